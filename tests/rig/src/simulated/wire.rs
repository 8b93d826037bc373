//! Messages between libprocess actors: an HTTP request each, `POST /<receiver>/<message name>`, whose body is the
//! message. The sender stands in the header `Libprocess-From`.

use std::io::{self, BufRead, Read};

use percent_encoding::percent_decode_str;

/// Package of every message here.
const PACKAGE: &str = "mesos.internal.";
/// Limits of what the other side may send.
const LINE_BYTES_MAX: u64 = 64 << 10;
const BODY_BYTES_MAX: u64 = 64 << 20;

/// A message as it arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Incoming {
    /// Id of the actor it is for, as `slave(7)`.
    pub(super) receiver: String,
    /// Name of the message without its package.
    pub(super) name: String,
    /// Id of the actor that sent it.
    pub(super) sender: String,
    pub(super) body: Vec<u8>,
}

/// Bytes of a message from the actor `sender` at `address` to the actor `receiver`.
pub(super) fn frame(receiver: &str, name: &str, sender: &str, address: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST /{receiver}/{PACKAGE}{name} HTTP/1.1\r\nUser-Agent: libprocess/{sender}@{address}\r\n\
         Libprocess-From: {sender}@{address}\r\nConnection: Keep-Alive\r\nHost: \r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Reads the next message; `None` when the stream ends between two.
///
/// # Errors
/// When reading fails or the bytes are no such request.
pub(super) fn read_message(stream: &mut impl BufRead) -> io::Result<Option<Incoming>> {
    let Some(request) = read_line(stream)? else { return Ok(None) };
    let path = request.split(' ').nth(1).ok_or_else(|| wrong("request line", &request))?;
    let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let receiver = parts.next().unwrap_or_default().to_owned();
    let name = parts.next().unwrap_or_default();
    let name = name.strip_prefix(PACKAGE).unwrap_or(name).to_owned();

    let (mut sender, mut length, mut chunked) = (String::new(), 0, false);
    loop {
        let line = read_line(stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            break;
        }
        let (header, value) = line.split_once(':').ok_or_else(|| wrong("header", &line))?;
        let value = value.trim();
        match header.to_ascii_lowercase().as_str() {
            "libprocess-from" => value.split('@').next().unwrap_or_default().clone_into(&mut sender),
            "content-length" => length = value.parse().map_err(|_| wrong("Content-Length", value))?,
            "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    let body = if chunked { read_chunks(stream)? } else { read_exactly(stream, length)? };
    Ok(Some(Incoming { receiver, name, sender, body }))
}

fn read_chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = u64::from_str_radix(line.trim(), 16).map_err(|_| wrong("chunk length", &line))?;
        body.extend(read_exactly(stream, length)?);
        if body.len() as u64 > BODY_BYTES_MAX {
            return Err(wrong("body", "too long"));
        }
        read_line(stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if length == 0 {
            return Ok(body);
        }
    }
}

fn read_exactly(stream: &mut impl BufRead, length: u64) -> io::Result<Vec<u8>> {
    if length > BODY_BYTES_MAX {
        return Err(wrong("length", &length.to_string()));
    }
    let mut bytes = Vec::new();
    stream.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// A line without its end; `None` at the end of the stream.
fn read_line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    stream.take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn wrong(what: &str, found: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} of a message: found '{found}'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn framed_message_is_read_back() {
        let bytes = frame("slave(7)", "PingSlaveMessage", "master", "127.0.0.1:5050", b"\x08\x01");
        let mut stream = bytes.as_slice();
        let message = read_message(&mut stream).unwrap().unwrap();
        assert_eq!((&*message.receiver, &*message.name), ("slave(7)", "PingSlaveMessage"));
        assert_eq!((&*message.sender, message.body), ("master", b"\x08\x01".to_vec()));
        assert_eq!(read_message(&mut stream).unwrap(), None);
    }

    #[test]
    fn chunked_body_and_encoded_path_are_read() {
        let text = "POST /slave%283%29/mesos.internal.X HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                    3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let message = read_message(&mut text.as_bytes()).unwrap().unwrap();
        assert_eq!((&*message.receiver, &*message.name, &*message.body), ("slave(3)", "X", &b"abcde"[..]));
    }

    #[test]
    fn claimed_length_beyond_the_limit_is_refused() {
        let text = "POST /a/b HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n";
        assert_eq!(read_message(&mut text.as_bytes()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut stream = bytes.as_slice();
            while let Ok(Some(_)) = read_message(&mut stream) {}
        }

        #[test]
        fn message_that_is_cut_off_is_an_error(cut in 1_usize..150) {
            let bytes = frame("slave(7)", "X", "master", "127.0.0.1:5050", b"body");
            let outcome = read_message(&mut &bytes[..cut.min(bytes.len() - 1)]);
            prop_assert!(outcome.is_err());
        }
    }
}
