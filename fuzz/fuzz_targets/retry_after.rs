//! Fuzz target: the `Retry-After` header.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|input: &[u8]| tasker_fuzz::retry_after::check(input));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    tasker_fuzz::replay(tasker_fuzz::retry_after::check)
}
