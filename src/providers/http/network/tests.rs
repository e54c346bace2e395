use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

/// A server that answers each connection with these bytes, and tells what it was asked.
async fn server(answer: Vec<u8>) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let (asked, requests) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                match stream.read(&mut chunk).await {
                    Ok(read) if read > 0 => request.extend_from_slice(&chunk[..read]),
                    _ => break,
                }
            }
            let _ = asked.send(String::from_utf8_lossy(&request).into_owned());
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        }
    });
    (base, requests)
}

async fn send(base: &str, cap: usize) -> Result<Response<Bytes>, TransportError> {
    let transport = NetworkTransport::new(&NetworkOptions::default()).expect("a transport");
    let request = Request::builder().uri(format!("{base}/x?token=S3CRET")).extension(BodyCap(cap)).body(Bytes::new());
    transport.send(request.expect("a request")).await
}

fn http(head: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(body);
    answer
}

#[tokio::test]
async fn an_answer_comes_whole() {
    let (base, mut requests) = server(http("200 OK\r\nx-a: b", b"{}")).await;
    let answer = send(&base, 10).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, b"{}".as_ref()));
    assert_eq!(answer.headers()["x-a"], "b");
    let request = requests.recv().await.expect("asked").to_lowercase();
    assert!(request.contains("accept-encoding: gzip") && request.contains("user-agent: estop/"), "{request}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let (other, mut elsewhere) = server(http("200 OK", b"fooled")).await;
    let (base, _requests) = server(http(&format!("307 Temporary Redirect\r\nlocation: {other}"), b"")).await;
    assert_eq!(send(&base, 10).await.expect("an answer").status().as_u16(), 307);
    assert!(elsewhere.try_recv().is_err());
}

#[tokio::test]
async fn a_body_is_capped_after_decompression() {
    let bomb = zeros_in_gzip(8200);
    assert!(bomb.len() < 20_000);
    let (base, _requests) = server(http("200 OK\r\ncontent-encoding: gzip", &bomb)).await;
    let error = send(&base, 1 << 20).await.expect_err("two megabytes");
    assert!(matches!(error, TransportError::TooBig(_)), "{error:?}");
    let (base, _requests) = server(http("200 OK", &[b'x'; 11])).await;
    assert!(matches!(send(&base, 10).await, Err(TransportError::TooBig(_))));
}

/// A gzip stream that unpacks to `matches` times 258 zeros: one fixed-Huffman block (RFC 1951 §3.2.6) of a literal
/// and matches of the longest length at distance one.
fn zeros_in_gzip(matches: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    let mut code = |value: u32, length: u32| bits.extend((0..length).rev().map(|bit| value >> bit & 1 == 1));
    code(0b1, 1); // last block
    code(0b10, 2); // fixed codes, least significant bit first
    code(0b0011_0000, 8); // literal 0
    for _ in 0..matches {
        code(0b1100_0101, 8); // length 258
        code(0, 5); // distance 1
    }
    code(0, 7); // end
    let packed = bits
        .chunks(8)
        .map(|byte| byte.iter().enumerate().fold(0_u8, |packed, (index, bit)| packed | (u8::from(*bit) << index)));
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff].into_iter().chain(packed).chain([0; 8]).collect()
}

#[tokio::test]
async fn a_connection_that_ends_early_is_lost_and_one_that_never_was_is_unreachable() {
    for answer in [b"".to_vec(), b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec()] {
        let (base, _requests) = server(answer).await;
        let error = send(&base, 100).await.expect_err("no whole answer");
        assert!(matches!(error, TransportError::Lost(_)), "{error:?}");
        assert!(!format!("{error:?} {error}").contains("S3CRET"));
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", closed.local_addr().expect("an address"));
    drop(closed);
    let error = send(&base, 100).await.expect_err("nobody listens");
    assert!(matches!(error, TransportError::Unreachable(_)), "{error:?}");
    assert!(!error.to_string().contains("S3CRET"));
    assert!(error.to_string().contains(base.trim_start_matches("http://")), "it says where: {error}");
}

#[tokio::test]
async fn too_many_header_bytes_are_refused() {
    let long = format!("200 OK\r\nx-long: {}", "a".repeat(70_000));
    let (base, _requests) = server(http(&long, b"")).await;
    assert!(send(&base, 100).await.is_err());
}

#[test]
fn plain_http_goes_to_this_host_only() {
    for (url, expected) in [
        ("https://sso.example/", true),
        ("http://127.0.0.1:8080/", true),
        ("http://127.1.2.3/", true),
        ("http://[::1]/", true),
        ("http://localhost/", true),
        ("http://localhost.example/", false),
        ("http://10.0.0.1/", false),
        ("http://sso.example/", false),
        ("ftp://127.0.0.1/", false),
    ] {
        assert_eq!(may_go(&Url::parse(url).expect("a URL")), expected, "{url}");
    }
}

#[test]
fn a_ca_that_is_none_is_refused_with_a_sentence() {
    let options = NetworkOptions { ca_pem: Some(b"not a certificate".to_vec()), ..NetworkOptions::default() };
    let error = NetworkTransport::new(&options).expect_err("no certificate in it");
    assert!(error.contains("CA"), "{error}");
}

#[test]
fn a_client_certificate_that_is_none_is_refused_with_a_sentence_that_does_not_quote_it() {
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let key = "-----BEGIN PRIVATE KEY-----\nS3CRET++\n-----END PRIVATE KEY-----\n";
    for pem in [certificate.to_owned(), key.to_owned(), format!("{certificate}{key}")] {
        let identity_pem = Some(SecretString::from(pem));
        let options = NetworkOptions { identity_pem, ..NetworkOptions::default() };
        let error = NetworkTransport::new(&options).expect_err("no identity in it");
        assert!(!format!("{error} {options:?}").contains("S3CRET"), "{error}");
    }
}
