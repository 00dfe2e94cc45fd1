//! Bodies that come compressed.

use std::io::Read as _;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_ENCODING;
use flate2::read::MultiGzDecoder;

/// Whether the body is gzip: only when the header is exactly that.
pub fn is_named(request: &HttpRequest) -> bool {
    request.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding.as_bytes() == b"gzip")
}

/// What the beginning of a body inflates to, up to `most` bytes; less where it breaks off.
pub fn start(zipped: &[u8], most: usize) -> Vec<u8> {
    let mut start = vec![0; most];
    let mut decoder = MultiGzDecoder::new(zipped);
    let mut length = 0;
    while length < most {
        match decoder.read(&mut start[length..]) {
            Ok(0) | Err(_) => break,
            Ok(read) => length += read,
        }
    }
    start.truncate(length);
    start
}
