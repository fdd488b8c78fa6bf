//! Other opinions: of `httparse` on heads, of zlib on compressed messages.

use flate2::{Decompress, FlushDecompress, Status};

use crate::inflate::{Inflated, Stop};

/// Asserts that a request which was accepted is one for `httparse` as well.
pub fn check_request(head: &[u8]) {
    let mut fields = [httparse::EMPTY_HEADER; 256];
    let mut request = httparse::Request::new(&mut fields);
    let parsed = request.parse(head);
    match parsed {
        Ok(parsed) => assert_eq!(parsed, httparse::Status::Complete(head.len())),
        // RFC 9110 §2.5: a higher minor version is to be taken as the highest that is known.
        Err(httparse::Error::Version) => {}
        Err(httparse::Error::TooManyHeaders) => {}
        Err(error) => panic!("{error:?}: {}", head.escape_ascii()),
    }
}

/// Returns the status of a response, if its head is complete and in order.
pub fn response_status(bytes: &[u8]) -> Option<u16> {
    let mut fields = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut fields);
    match response.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => response.code,
        _ => None,
    }
}

/// Asserts that zlib, with a window of this size, makes the same of what has come of a message.
pub fn check_inflated(window: &[u8], window_bits: u8, payload: &[u8], inflated: &Inflated) {
    if window_bits < 9 {
        // For the window of 256 bytes it takes a larger one.
        return;
    }
    let mut zlib = Decompress::new_with_window_bits(false, window_bits);
    let window = &window[window.len().saturating_sub(1 << window_bits)..];
    if !window.is_empty() {
        zlib.set_dictionary(window).expect("a window");
    }
    // Within what one call makes, it looks back as far as it likes.
    let mut piece = vec![0; if inflated.data.len() < 2000 { 1 } else { 4096 }];
    let (mut input, mut data) = (payload, Vec::new());
    let stop = loop {
        let (taken, made) = (zlib.total_in(), zlib.total_out());
        let status = zlib.decompress(input, &mut piece, FlushDecompress::None);
        input = &input[(zlib.total_in() - taken) as usize..];
        let made = (zlib.total_out() - made) as usize;
        data.extend_from_slice(&piece[..made]);
        match status {
            Ok(Status::StreamEnd) => zlib.reset(false),
            Ok(_) if made == 0 && input.is_empty() => break Stop::End,
            Ok(_) if data.len() > inflated.data.len() => break Stop::Limit,
            Ok(_) => {}
            Err(_) => break Stop::Fault("it says so"),
        }
    };
    let is_fault = |stop| matches!(stop, Stop::Fault(_) | Stop::LateFault(_));
    assert!(data.starts_with(&inflated.data), "zlib made another message");
    match inflated.stop {
        Stop::End => assert_eq!((stop, data.len()), (Stop::End, inflated.data.len())),
        Stop::Limit => assert!(data.len() > inflated.data.len(), "zlib makes less"),
        // It needs some more of the message to tell.
        Stop::LateFault(_) if stop == Stop::End => {}
        Stop::Fault(rule) | Stop::LateFault(rule) => assert!(is_fault(stop), "{rule}"),
    }
}
