//! Fuzz target: short texts, such as names, versions and positions.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| tasker_fuzz::words::check(input));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    tasker_fuzz::replay(tasker_fuzz::words::check)
}
