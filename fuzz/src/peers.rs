//! `httparse`, as another opinion on heads.

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
