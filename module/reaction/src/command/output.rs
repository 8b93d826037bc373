//! What a command writes, as lines, up to a limit.

use super::{CommandEvent, Stream};

/// Longest line of output that is handed on in one piece, in bytes.
pub const OUTPUT_LINE_BYTES_MAX: usize = 4 * 1024;

/// Bytes on their way to becoming lines. Both streams of a command share one limit.
pub(super) struct Lines<'a> {
    /// Begun lines of standard output and standard error.
    begun: [Vec<u8>; 2],
    /// Bytes that may still be handed on.
    left: usize,
    pub(super) discarded_bytes: u64,
    tell: &'a dyn Fn(CommandEvent<'_>),
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes_max: usize, tell: &'a dyn Fn(CommandEvent<'_>)) -> Lines<'a> {
        Lines { begun: [Vec::new(), Vec::new()], left: bytes_max, discarded_bytes: 0, tell }
    }

    /// Takes what was read from a stream.
    pub(super) fn take(&mut self, stream: Stream, bytes: &[u8]) {
        let (taken, beyond) = bytes.split_at(bytes.len().min(self.left));
        self.left -= taken.len();
        self.discarded_bytes += beyond.len() as u64;
        for piece in taken.split_inclusive(|byte| *byte == b'\n') {
            self.take_piece(stream, piece);
        }
    }

    /// At most one line end, at the end of the piece.
    fn take_piece(&mut self, stream: Stream, piece: &[u8]) {
        let begun = &mut self.begun[place(stream)];
        let ended = piece.strip_suffix(b"\n");
        let mut text = ended.unwrap_or(piece);
        while begun.len() + text.len() > OUTPUT_LINE_BYTES_MAX {
            let (now, later) = text.split_at(OUTPUT_LINE_BYTES_MAX - begun.len());
            begun.extend_from_slice(now);
            hand_on(self.tell, stream, begun);
            text = later;
        }
        begun.extend_from_slice(text);
        if ended.is_some() {
            hand_on(self.tell, stream, begun);
        }
    }

    /// Hands on lines without an end.
    pub(super) fn finish(&mut self) {
        for stream in [Stream::Output, Stream::Errors] {
            let begun = &mut self.begun[place(stream)];
            if !begun.is_empty() {
                hand_on(self.tell, stream, begun);
            }
        }
    }
}

fn place(stream: Stream) -> usize {
    match stream {
        Stream::Output => 0,
        Stream::Errors => 1,
    }
}

fn hand_on(tell: &dyn Fn(CommandEvent<'_>), stream: Stream, line: &mut Vec<u8>) {
    let text = line.strip_suffix(b"\r").unwrap_or(line);
    tell(CommandEvent::Line { stream, text: &String::from_utf8_lossy(text) });
    line.clear();
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::super::{CommandEvent, Stream};
    use super::{Lines, OUTPUT_LINE_BYTES_MAX};

    /// Lines that come of such reads, and the bytes discarded.
    fn told(bytes_max: usize, reads: &[(Stream, &[u8])]) -> (Vec<(Stream, String)>, u64) {
        let heard = RefCell::new(Vec::new());
        let tell = |event: CommandEvent<'_>| {
            if let CommandEvent::Line { stream, text } = event {
                heard.borrow_mut().push((stream, text.to_owned()));
            }
        };
        let mut lines = Lines::new(bytes_max, &tell);
        for (stream, bytes) in reads {
            lines.take(*stream, bytes);
        }
        lines.finish();
        let discarded = lines.discarded_bytes;
        (heard.into_inner(), discarded)
    }

    #[test]
    fn lines_are_put_together_from_reads_for_each_stream() {
        use Stream::{Errors, Output};
        let reads: [(Stream, &[u8]); 4] =
            [(Output, b"a\nb"), (Errors, b"e\r\n\n"), (Output, b"c\nd"), (Errors, b"f")];
        let expected =
            [(Output, "a"), (Errors, "e"), (Errors, ""), (Output, "bc"), (Output, "d"), (Errors, "f")];
        let (lines, discarded) = told(100, &reads);
        assert_eq!(lines, expected.map(|(stream, text)| (stream, text.to_owned())));
        assert_eq!(discarded, 0);
    }

    #[test]
    fn a_long_line_comes_in_pieces() {
        let long = [b'x'; OUTPUT_LINE_BYTES_MAX + 5];
        let (lines, _) = told(usize::MAX, &[(Stream::Output, &long), (Stream::Output, b"y\nz\n")]);
        let lengths: Vec<usize> = lines.iter().map(|(_, text)| text.len()).collect();
        assert_eq!(lengths, [OUTPUT_LINE_BYTES_MAX, 6, 1]);
        let (start, end) = long.split_at(5);
        let (lines, _) =
            told(usize::MAX, &[(Stream::Output, end), (Stream::Output, b"\nz\n"), (Stream::Output, start)]);
        let lengths: Vec<usize> = lines.iter().map(|(_, text)| text.len()).collect();
        assert_eq!(lengths, [OUTPUT_LINE_BYTES_MAX, 1, 5], "a line of exactly the most is whole");
    }

    #[test]
    fn bytes_beyond_the_limit_are_counted_for_both_streams_together() {
        let (lines, discarded) =
            told(5, &[(Stream::Output, b"abc\n"), (Stream::Errors, b"def\n"), (Stream::Output, b"g")]);
        assert_eq!(lines, [(Stream::Output, "abc".to_owned()), (Stream::Errors, "d".to_owned())]);
        assert_eq!(discarded, 4);
    }

    #[test]
    fn bytes_that_are_not_text_become_text() {
        let (lines, _) = told(100, &[(Stream::Output, b"\xff\xfea\0\n")]);
        assert_eq!(lines, [(Stream::Output, "\u{fffd}\u{fffd}a\0".to_owned())]);
    }
}
