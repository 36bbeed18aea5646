//! Requests over real connections, for tests against a local emulated ad server.

use std::{
    io::{Error, Read, Write},
    net::TcpStream,
};

use crate::host::IncomingResponse;

/// Sends one request on a connection of its own and returns the response. Plain HTTP; the server
/// must give every response a length or close the connection after it.
///
/// # Errors
/// When the connection fails, or closes without a response.
pub fn exchange(
    method: &str,
    url: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> std::io::Result<IncomingResponse> {
    let rest = url.strip_prefix("http://").ok_or_else(|| Error::other(format!("{url} is not plain HTTP")))?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let mut connection = TcpStream::connect(host)?;
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    connection.write_all(format!("{head}\r\n").as_bytes())?;
    connection.write_all(body)?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer)?;
    let lost = || Error::other("the connection was closed without an answer");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(lost)?;
    let text = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = text.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(lost)?;
    let headers = lines.filter_map(|line| line.split_once(": "));
    Ok(IncomingResponse {
        status,
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
        body: answer[end + 4..].to_vec(),
    })
}
