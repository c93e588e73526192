//! Fuzz target: requests for tasks.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| tasker_fuzz::request::check(input));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    tasker_fuzz::replay(tasker_fuzz::request::check)
}
