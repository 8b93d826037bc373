//! Results that the shim gives back: vectors of bytes taken apart and put together again.

use crate::abi::apportion_buffer;

/// A buffer that owns nothing.
pub(crate) const EMPTY: apportion_buffer =
    apportion_buffer { data: std::ptr::null_mut(), size: 0, capacity: 0 };

/// Hands bytes to the shim, which gives them back with `release`.
///
/// A null `out` drops them: there is nobody to read them.
///
/// # Safety
/// `out` is null, or points to a buffer that may be overwritten.
pub(crate) unsafe fn put(out: *mut apportion_buffer, bytes: Vec<u8>) {
    if out.is_null() || !out.is_aligned() {
        return;
    }
    let mut bytes = std::mem::ManuallyDrop::new(bytes);
    let buffer = apportion_buffer { data: bytes.as_mut_ptr(), size: bytes.len(), capacity: bytes.capacity() };
    // SAFETY: not null and aligned; the caller lets us write.
    unsafe { out.write(buffer) };
}

/// Takes a buffer back and leaves an empty one. Null and empty buffers are allowed.
///
/// # Safety
/// `buffer` is null, or points to a buffer that `put` made, or to an empty one.
pub(crate) unsafe extern "C" fn release(buffer: *mut apportion_buffer) {
    if buffer.is_null() || !buffer.is_aligned() {
        return;
    }
    // SAFETY: not null and aligned; the caller promises a buffer.
    let taken = unsafe { buffer.replace(EMPTY) };
    if taken.data.is_null() || taken.size > taken.capacity {
        return;
    }
    // SAFETY: the three parts come from one vector, see `put`.
    drop(unsafe { Vec::from_raw_parts(taken.data, taken.size, taken.capacity) });
}

#[cfg(test)]
mod tests {
    use super::{EMPTY, put, release};

    #[test]
    fn bytes_come_back_whole_and_the_buffer_is_empty_afterwards() {
        let mut buffer = EMPTY;
        // SAFETY: the buffer is a local variable.
        unsafe { put(&raw mut buffer, b"hello".to_vec()) };
        assert_eq!(buffer.size, 5);
        // SAFETY: the buffer was filled by `put`.
        unsafe { release(&raw mut buffer) };
        assert!(buffer.data.is_null());
        assert_eq!((buffer.size, buffer.capacity), (0, 0));
        // SAFETY: an empty buffer may be released again.
        unsafe { release(&raw mut buffer) };
    }

    #[test]
    fn null_buffers_are_ignored() {
        // SAFETY: null is allowed in both.
        unsafe { put(std::ptr::null_mut(), b"lost".to_vec()) };
        // SAFETY: as above.
        unsafe { release(std::ptr::null_mut()) };
    }
}
