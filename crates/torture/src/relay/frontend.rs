//! What a client says to a PostgreSQL server, as far as a relay must understand it: who it is, and when it commits.
//! <https://www.postgresql.org/docs/current/protocol-message-formats.html>

/// Code of a message that asks for encryption, and of one that begins a session.
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const STARTUP: u32 = 3 << 16;

/// First byte of a TLS handshake. A message of ours that began with it would be of 370 megabytes.
const TLS_HANDSHAKE: u8 = 0x16;

/// Reads along what one client sends.
#[derive(Default)]
pub(super) struct Frontend {
    unread: Vec<u8>,
    has_begun: bool,
    is_encrypted: bool,
    application: String,
}

impl Frontend {
    /// Takes what was sent; says how many COMMITs were completed by it.
    pub(super) fn read(&mut self, bytes: &[u8]) -> usize {
        self.is_encrypted |=
            !self.has_begun && self.unread.is_empty() && bytes.first() == Some(&TLS_HANDSHAKE);
        if self.is_encrypted {
            return 0;
        }
        self.unread.extend_from_slice(bytes);
        let mut commits = 0;
        while let Some(message) = self.next_message() {
            if self.has_begun {
                commits += usize::from(is_commit(&message));
            } else {
                self.begin(&message);
            }
        }
        commits
    }

    /// The name that the client gave itself.
    pub(super) fn application(&self) -> &str {
        &self.application
    }

    /// Whether what is sent cannot be read.
    pub(super) fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// The next whole message. One that begins a session has no type in front of its length.
    fn next_message(&mut self) -> Option<Vec<u8>> {
        let front = usize::from(self.has_begun);
        let length = self.unread.get(front..front + 4)?.try_into().map(u32::from_be_bytes).ok()?;
        let end = front + usize::try_from(length).ok()?;
        (self.unread.len() >= end).then(|| self.unread.drain(..end).collect())
    }

    fn begin(&mut self, message: &[u8]) {
        let code = message.get(4..8).and_then(|code| code.try_into().ok()).map(u32::from_be_bytes);
        match code {
            Some(SSL_REQUEST | GSS_REQUEST) => {}
            Some(STARTUP) => {
                let texts: Vec<_> = message[8..].split(|byte| *byte == 0).collect();
                let given = texts.chunks(2).find(|pair| pair[0] == b"application_name");
                self.application = given
                    .and_then(|pair| pair.get(1))
                    .map(|name| String::from_utf8_lossy(name).into_owned())
                    .unwrap_or_default();
                self.has_begun = true;
            }
            _ => self.has_begun = true,
        }
    }
}

/// Whether a message is a query that commits, or prepares one.
fn is_commit(message: &[u8]) -> bool {
    let Some((kind, body)) = message.split_first() else { return false };
    let body = body.get(4..).unwrap_or_default();
    let text = match kind {
        b'Q' => body,
        // After the name of the statement.
        b'P' => body.splitn(2, |byte| *byte == 0).nth(1).unwrap_or_default(),
        _ => return false,
    };
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).split(';').any(|part| part.trim().eq_ignore_ascii_case("commit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(kind: u8, body: &str) -> Vec<u8> {
        let length = u32::try_from(body.len() + 5).unwrap().to_be_bytes();
        [&[kind][..], &length, body.as_bytes(), &[0]].concat()
    }

    fn startup() -> Vec<u8> {
        let body = "user\0ann\0application_name\0tasker\0\0";
        let ssl = [8_u32.to_be_bytes(), SSL_REQUEST.to_be_bytes()].concat();
        let length = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        [&ssl[..], &length, &STARTUP.to_be_bytes(), body.as_bytes()].concat()
    }

    #[test]
    fn commits_are_told_from_everything_else() {
        for (message, expected) in [
            (typed(b'Q', "COMMIT"), 1),
            (typed(b'Q', " commit ; "), 1),
            (typed(b'Q', "SELECT 1; COMMIT"), 1),
            (typed(b'P', "name\0COMMIT"), 1),
            (typed(b'Q', "SET LOCAL synchronous_commit = off"), 0),
            (typed(b'Q', "ROLLBACK"), 0),
            (typed(b'B', "COMMIT"), 0),
        ] {
            let mut frontend = Frontend::default();
            assert_eq!(frontend.read(&startup()), 0);
            assert_eq!(frontend.application(), "tasker");
            assert_eq!(frontend.read(&message), expected, "{}", String::from_utf8_lossy(&message));
        }
    }

    #[test]
    fn nothing_is_read_of_what_is_encrypted() {
        let mut frontend = Frontend::default();
        frontend.read(&startup()[..8]);
        assert!(!frontend.is_encrypted());
        assert_eq!(frontend.read(&[TLS_HANDSHAKE, 3, 1, 2, 0]), 0);
        assert_eq!(frontend.read(&typed(b'Q', "COMMIT")), 0);
        assert!(frontend.is_encrypted() && frontend.unread.is_empty());
    }

    #[test]
    fn messages_may_come_byte_by_byte_and_together() {
        let all = [startup(), typed(b'Q', "BEGIN"), typed(b'Q', "COMMIT"), typed(b'Q', "COMMIT")].concat();
        assert_eq!(Frontend::default().read(&all), 2);
        let mut frontend = Frontend::default();
        assert_eq!(all.iter().map(|byte| frontend.read(&[*byte])).sum::<usize>(), 2);
    }
}
