//! RecordIO, the framing of Mesos' event streams: each record is its length in decimal digits, a line feed,
//! and so many bytes.
//!
//! The decoder takes bytes as they come, cut anywhere. What comes from the network bounds nothing: the length
//! line and the record have limits of their own, and no memory is set aside for a length that is only claimed.

use std::io::{self, Read};

/// Longest record that is read: an offers event for ten thousand agents is about 20 MB.
pub const RECORD_BYTES_MAX: usize = 256 << 20;
/// Digits of the longest length line, that of `u64::MAX`.
const LENGTH_DIGITS_MAX: usize = 20;
/// Bytes read from a stream at once.
const CHUNK_BYTES: usize = 16 << 10;

/// Why bytes are no record stream.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// A byte in the length line is no digit.
    #[error("byte {found:#04x} in the length of record {record}, expected a decimal digit or a line feed")]
    NoDigit {
        /// Number of the record, from 0.
        record: u64,
        /// The byte.
        found: u8,
    },
    /// The length line is empty.
    #[error("the length of record {record} is empty, expected decimal digits")]
    EmptyLength {
        /// Number of the record, from 0.
        record: u64,
    },
    /// The length is longer than any record may be.
    #[error("record {record} claims to be longer than {limit} bytes, the longest that is read")]
    TooLong {
        /// Number of the record, from 0.
        record: u64,
        /// The limit.
        limit: usize,
    },
    /// The stream ends inside a record.
    #[error("the stream ends inside record {record}")]
    Truncated {
        /// Number of the record, from 0.
        record: u64,
    },
}

#[derive(Debug)]
enum Part {
    /// Inside the length line; digits so far and their value.
    Length { digits: usize, value: usize },
    /// Inside the record; bytes still missing.
    Body { missing: usize },
}

const START: Part = Part::Length { digits: 0, value: 0 };

/// Takes bytes and gives records.
#[derive(Debug)]
pub struct Decoder {
    part: Part,
    body: Vec<u8>,
    record: u64,
    limit: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Decoder::with_limit(RECORD_BYTES_MAX)
    }
}

impl Decoder {
    /// A decoder that refuses records longer than `limit` bytes.
    pub fn with_limit(limit: usize) -> Decoder {
        Decoder { part: START, body: Vec::new(), record: 0, limit }
    }

    /// Takes the next bytes of the stream and returns the records that are complete with them. After an error the
    /// decoder is of no use: where the next record starts is unknown.
    ///
    /// # Errors
    /// When a length line is not a number of a bearable size.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, RecordError> {
        let mut complete = Vec::new();
        while !bytes.is_empty() {
            match self.part {
                Part::Length { digits, value } => {
                    self.part = self.take_length_byte(bytes[0], digits, value)?;
                    bytes = &bytes[1..];
                }
                Part::Body { missing } => {
                    let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
                    self.body.extend_from_slice(taken);
                    self.part = Part::Body { missing: missing - taken.len() };
                    bytes = rest;
                }
            }
            if matches!(self.part, Part::Body { missing: 0 }) {
                complete.push(std::mem::take(&mut self.body));
                self.part = START;
                self.record += 1;
            }
        }
        Ok(complete)
    }

    fn take_length_byte(&self, byte: u8, digits: usize, value: usize) -> Result<Part, RecordError> {
        let record = self.record;
        match byte {
            b'\n' if digits == 0 => Err(RecordError::EmptyLength { record }),
            b'\n' => Ok(Part::Body { missing: value }),
            b'0'..=b'9' => {
                let value = value.saturating_mul(10).saturating_add(usize::from(byte - b'0'));
                if value > self.limit || digits == LENGTH_DIGITS_MAX {
                    return Err(RecordError::TooLong { record, limit: self.limit });
                }
                Ok(Part::Length { digits: digits + 1, value })
            }
            found => Err(RecordError::NoDigit { record, found }),
        }
    }

    /// To be called at the end of the stream.
    ///
    /// # Errors
    /// [`RecordError::Truncated`] when it ends inside a record.
    pub fn finish(&self) -> Result<(), RecordError> {
        match self.part {
            Part::Length { digits: 0, .. } => Ok(()),
            _ => Err(RecordError::Truncated { record: self.record }),
        }
    }
}

/// Records of a byte stream.
#[derive(Debug)]
pub struct Records<Stream> {
    stream: Stream,
    decoder: Decoder,
    ready: std::vec::IntoIter<Vec<u8>>,
}

impl<Stream: Read> Records<Stream> {
    /// Reads records from `stream` until it ends.
    pub fn new(stream: Stream) -> Self {
        Records { stream, decoder: Decoder::default(), ready: Vec::new().into_iter() }
    }

    /// The next record, `None` at a proper end of the stream.
    ///
    /// # Errors
    /// What reading the stream returns, or a [`RecordError`] of kind `InvalidData`.
    pub fn next_record(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut chunk = [0; CHUNK_BYTES];
        loop {
            if let Some(record) = self.ready.next() {
                return Ok(Some(record));
            }
            let length = self.stream.read(&mut chunk)?;
            if length == 0 {
                self.decoder.finish().map_err(invalid)?;
                return Ok(None);
            }
            self.ready = self.decoder.feed(&chunk[..length]).map_err(invalid)?.into_iter();
        }
    }
}

fn invalid(error: RecordError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(records: &[Vec<u8>]) -> Vec<u8> {
        let frame = |record: &Vec<u8>| [format!("{}\n", record.len()).as_bytes(), record.as_slice()].concat();
        records.iter().flat_map(frame).collect()
    }

    #[test]
    fn two_records_in_one_chunk_come_in_order() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"2\nab3\ncde"), Ok(vec![b"ab".to_vec(), b"cde".to_vec()]));
        assert_eq!(decoder.finish(), Ok(()));
    }

    #[test]
    fn empty_record_is_a_record() {
        assert_eq!(Decoder::default().feed(b"0\n1\nx"), Ok(vec![vec![], b"x".to_vec()]));
    }

    #[test]
    fn stream_that_ends_inside_a_record_is_truncated() {
        for part in [b"5".as_slice(), b"5\n", b"5\nabcd"] {
            let mut decoder = Decoder::default();
            assert_eq!(decoder.feed(part), Ok(vec![]));
            assert_eq!(decoder.finish(), Err(RecordError::Truncated { record: 0 }));
        }
    }

    #[test]
    fn garbage_in_the_length_names_byte_and_record() {
        assert_eq!(
            Decoder::default().feed(b"1\nxHTTP"),
            Err(RecordError::NoDigit { record: 1, found: b'H' })
        );
        assert_eq!(Decoder::default().feed(b"\n"), Err(RecordError::EmptyLength { record: 0 }));
        assert_eq!(Decoder::default().feed(b"-1\n"), Err(RecordError::NoDigit { record: 0, found: b'-' }));
    }

    #[test]
    fn huge_length_is_refused_before_its_bytes_come() {
        for line in ["18446744073709551615\n", "99999999999999999999999999\n", "268435457\n"] {
            let refused = Decoder::default().feed(line.as_bytes());
            assert_eq!(refused, Err(RecordError::TooLong { record: 0, limit: RECORD_BYTES_MAX }), "{line}");
        }
        assert!(Decoder::default().feed(&[b'0'; 21]).is_err(), "endless leading zeros");
    }

    #[test]
    fn claimed_length_sets_no_memory_aside() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"268435456\nx"), Ok(vec![]));
        assert!(decoder.body.capacity() < 1 << 10);
    }

    #[test]
    fn truncated_stream_is_an_error_of_the_reader() {
        let mut records = Records::new(b"1\na4\nbc".as_slice());
        assert_eq!(records.next_record().unwrap(), Some(b"a".to_vec()));
        assert_eq!(records.next_record().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    proptest! {
        #[test]
        fn records_survive_any_cutting(
            records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20),
            cut in 1_usize..64,
        ) {
            let mut decoder = Decoder::default();
            let mut found = Vec::new();
            for chunk in encode(&records).chunks(cut) {
                found.extend(decoder.feed(chunk).unwrap());
            }
            prop_assert_eq!(decoder.finish(), Ok(()));
            prop_assert_eq!(found, records);
        }

        #[test]
        fn any_bytes_give_records_or_an_error_and_stay_within_the_limit(
            bytes in prop::collection::vec(any::<u8>(), 0..500),
            limit in 0_usize..100,
        ) {
            let mut decoder = Decoder::with_limit(limit);
            if let Ok(records) = decoder.feed(&bytes) {
                prop_assert!(records.iter().all(|record| record.len() <= limit));
                let framed = encode(&records).len();
                prop_assert!(framed <= bytes.len());
            }
        }

        #[test]
        fn digits_and_line_feeds_never_panic(text in "[0-9\n]{0,60}") {
            let mut decoder = Decoder::default();
            if decoder.feed(text.as_bytes()).is_ok() {
                let _ = decoder.finish();
            }
        }
    }
}
