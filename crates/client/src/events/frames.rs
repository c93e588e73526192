//! Reads the format of server-sent events (WHATWG HTML 9.2), as far as Tasker writes it.

/// What a blank line ends: an event, or only a position.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Frame {
    pub(super) id: Option<String>,
    pub(super) event: String,
    pub(super) data: String,
}

/// Bytes as they come, in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    /// How many of them were looked at.
    looked_at: usize,
    frame: Frame,
}

impl Frames {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.looked_at);
        self.looked_at = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame that is complete.
    pub(super) fn next(&mut self) -> Option<Frame> {
        while let Some(length) = self.bytes[self.looked_at..].iter().position(|byte| *byte == b'\n') {
            let line = &self.bytes[self.looked_at..self.looked_at + length];
            let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
            self.looked_at += length + 1;
            if line.is_empty() {
                let frame = std::mem::take(&mut self.frame);
                if frame != Frame::default() {
                    return Some(frame);
                }
            }
            self.take(&line);
        }
        None
    }

    /// One line: a field, or a comment.
    fn take(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => self.frame.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.frame.event),
            "data" if self.frame.data.is_empty() => value.clone_into(&mut self.frame.data),
            "data" => {
                self.frame.data.push('\n');
                self.frame.data.push_str(value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "retry: 1000\n\n: nothing new\nid: 7\n\nid: 8\r\nevent: task.completed\r\ndata: {\"ä\":1}\r\n\r\nevent:gap\ndata:a\ndata:b\n\nid: 9";

    fn frame(id: Option<&str>, event: &str, data: &str) -> Frame {
        Frame { id: id.map(str::to_owned), event: event.into(), data: data.into() }
    }

    #[test]
    fn frames_are_read_whatever_the_pieces_they_come_in() {
        let expected = [
            frame(Some("7"), "", ""),
            frame(Some("8"), "task.completed", "{\"ä\":1}"),
            frame(None, "gap", "a\nb"),
        ];
        for size in 1..TEXT.len() {
            let mut frames = Frames::default();
            let mut read = Vec::new();
            for piece in TEXT.as_bytes().chunks(size) {
                frames.add(piece);
                while let Some(frame) = frames.next() {
                    read.push(frame);
                }
            }
            assert_eq!(read, expected, "in pieces of {size}");
        }
    }
}
