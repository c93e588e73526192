//! Fuzz target: configuration files and variables of the environment.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| tasker_fuzz::settings::check(input));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    tasker_fuzz::replay(tasker_fuzz::settings::check)
}
