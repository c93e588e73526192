//! What a program wrote, as the step's result.

use serde_json::Value;
use tasker_core::outcome::Failure;
use tasker_core::payload::Payload;

use super::config::OutputKind;

/// Most bytes of standard error that a failure keeps.
pub(super) const TAIL: usize = 8 * 1024;

/// Reads standard output.
///
/// # Errors
/// Permanent: `invalid_output` if JSON was expected and something else came; `invalid_text` and the other codes of
/// payloads if it cannot be stored.
pub(super) fn result(stdout: &[u8], kind: OutputKind) -> Result<Value, Failure> {
    match kind {
        OutputKind::Json => json(stdout),
        OutputKind::Text => {
            let text = readable(stdout);
            let text = text.strip_suffix('\n').unwrap_or(&text);
            Ok(Value::from(text.strip_suffix('\r').unwrap_or(text)))
        }
        OutputKind::Lines => Ok(readable(stdout).lines().map(Value::from).collect()),
    }
}

/// Text that can be stored: what is not UTF-8, and NUL, are replaced.
pub(super) fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}")
}

fn json(stdout: &[u8]) -> Result<Value, Failure> {
    if stdout.trim_ascii().is_empty() {
        return Ok(Value::Null);
    }
    let text = std::str::from_utf8(stdout).map_err(|error| invalid(&error))?;
    let value: Value = serde_json::from_str(text).map_err(|error| invalid(&error))?;
    match Payload::from_value(&value, usize::MAX) {
        Ok(_) => Ok(value),
        Err(error) => {
            let message = format!("the program wrote JSON that cannot be stored: {error}");
            Err(Failure::permanent("OutputNotStorable", error.code(), message))
        }
    }
}

fn invalid(error: &dyn std::error::Error) -> Failure {
    let message = format!("the program did not write JSON: {error}; if it writes text, say `output: text`");
    Failure::permanent("InvalidOutput", "invalid_output", message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn output_is_read_as_it_is_meant() {
        let check = |stdout: &[u8], kind, expected: Value| assert_eq!(result(stdout, kind), Ok(expected));
        check(b" {\"a\": 1}\n", OutputKind::Json, json!({ "a": 1 }));
        check(b"\n", OutputKind::Json, Value::Null);
        check(b"12\n", OutputKind::Text, json!("12"));
        check(b"a\r\n", OutputKind::Text, json!("a"));
        check(b"a\0\xff\n\n", OutputKind::Text, json!("a\u{fffd}\u{fffd}\n"));
        check(b"a\nb\r\n\nc", OutputKind::Lines, json!(["a", "b", "", "c"]));
        check(b"", OutputKind::Lines, json!([]));
    }

    #[test]
    fn what_is_not_json_is_permanent() {
        for (stdout, code) in
            [(&b"oops"[..], "invalid_output"), (b"{} {}", "invalid_output"), (b"\xff", "invalid_output")]
        {
            let failure = result(stdout, OutputKind::Json).unwrap_err();
            assert_eq!((failure.code.as_str(), failure.is_retryable()), (code, false));
        }
        assert_eq!(result(b"\"\\u0000\"", OutputKind::Json).unwrap_err().code, "invalid_text");
    }
}
