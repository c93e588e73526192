//! Whatever is sent, to whichever route: the answer is a refusal that says what is wrong, never a fault, and it tells
//! nothing that is not the caller's.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tasker_http::{ApiOptions, Route};
use tasker_testkit::random::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::{Answer, Server, answer};

/// Requests for each route.
const TIMES: usize = 60;

/// What the caller knows and no answer may repeat.
const SECRET: &str = "s3cr3t-0f-the-caller";

/// What would tell how the server is made, or that it failed.
const TELLTALES: &[&str] = &[
    SECRET,
    "panicked",
    "SELECT ",
    "INSERT ",
    "UPDATE ",
    ".rs:",
    "/src/",
    "RUST_BACKTRACE",
    "sqlx",
    "rusqlite",
];

const LARGEST_BODY: usize = 10_000;

async fn server() -> Server {
    Server::with(ApiOptions {
        max_body_bytes: LARGEST_BODY,
        request_timeout: Duration::from_secs(20),
        ..ApiOptions::default()
    })
    .await
}

#[tokio::test]
async fn no_route_fails_for_what_it_is_sent() {
    let server = server().await;
    let id = server.task().await;
    for route in tasker_http::routes::table() {
        let mut rng = Rng::new(7);
        for n in 0..TIMES {
            let told = attack(&server, &route, &id, &mut rng).await;
            // This server has no metrics, and says so.
            if route.path != "/metrics" || told.status != 503 {
                blameless(&told, &format!("{} {}, request {n}", route.method, route.path));
            }
        }
    }
    server.get("/health/live").await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_http_is_not_answered_as_if_it_were() {
    let server = server().await;
    let id = server.task().await;
    let long = "a".repeat(70_000);
    let paths =
        ["/tasker/tasks/\u{0}", "/tasker/tasks/\u{7f}\u{80}", "tasker", "/tasker/tasks/%", "//", &long];
    let lines =
        paths.iter().flat_map(|path| ["GET", "PO ST", "\u{1}", ""].map(|method| format!("{method} {path}")));
    let mut requests: Vec<Vec<u8>> =
        lines.map(|line| format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into()).collect();
    for header in [
        "X-Correlation-Id: a\u{1}b",
        "Idempotency-Key: \u{0}",
        "If-Match: \u{7}",
        ": empty",
        "no colon",
        "Content-Length: -1",
        "Content-Length: 99999999999999999999",
        "Content-Length: 5\r\nContent-Length: 6",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: gzip",
        "Expect: everything",
        "Content-Type: \u{ff}",
    ] {
        let text =
            format!("POST /tasker/tasks HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n\r\n{{}}");
        requests.push(text.into());
    }
    let invalid =
        [b"GET /tasker/tasks?name=".as_slice(), b"\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"];
    requests.push(invalid.concat());
    let many: String = (0..2_000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    requests.push(format!("GET /tasker/tasks/{id} HTTP/1.1\r\nHost: x\r\n{many}\r\n").into());
    for request in requests {
        let told = converse(&server, &request).await;
        let shown = String::from_utf8_lossy(&request[..request.len().min(120)]).into_owned();
        // What the parser of HTTP refuses never becomes a request: it is answered without a body, or not at all.
        let is_fault = told.starts_with("HTTP/1.1 5");
        assert!(!is_fault, "{shown:?} is answered with {told}");
        assert!(
            !TELLTALES.iter().any(|telltale| told.contains(telltale)),
            "{shown:?} is answered with {told}"
        );
        let (head, body) = told.split_once("\r\n\r\n").unwrap_or((&told, ""));
        let is_problem = head.contains("application/problem+json");
        assert!(
            body.is_empty() || is_problem || head.starts_with("HTTP/1.1 2"),
            "{shown:?} is answered with {told}"
        );
    }
    server.get("/health/live").await.expect(200);
    server.stop().await;
}

/// Sends bytes, and reads what comes until the connection ends.
async fn converse(server: &Server, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.socket_address()).await.unwrap();
    // The server may refuse to read all of it.
    let _ = stream.write_all(request).await;
    let _ = stream.shutdown().await;
    let mut told = Vec::new();
    let _ = stream.read_to_end(&mut told).await;
    String::from_utf8_lossy(&told).into_owned()
}

/// That an answer is a good one, or a problem that tells nothing.
fn blameless(told: &Answer, what: &str) {
    let (status, text) = (told.status.as_u16(), told.body.to_string());
    assert!(status < 500, "{what}: {status} {text}");
    assert!(!TELLTALES.iter().any(|telltale| text.contains(telltale)), "{what}: {status} {text}");
    if status >= 400 {
        assert_eq!(told.header("content-type"), "application/problem+json; charset=utf-8", "{what}: {text}");
        assert!(told.body["code"].is_string() && told.body["request_id"].is_string(), "{what}: {text}");
    }
}

/// Sends something that is wrong in several ways; what it is must be as described all the same.
async fn attack(server: &Server, route: &Route, id: &str, rng: &mut Rng) -> Answer {
    let mut path = route.path.to_owned();
    for (name, good) in [
        ("{task_id}", id),
        ("{step_name}", "one"),
        ("{namespace}", "default"),
        ("{name}", "order"),
        ("{version}", "1.0.0"),
    ] {
        let part = if rng.percent(75) { good.to_owned() } else { escaped(&text(rng)) };
        path = path.replace(name, &part);
    }
    if rng.percent(60) {
        let names: Vec<&str> = route.operation.query.iter().map(|parameter| parameter.name).collect();
        let mut pairs = Vec::new();
        for _ in 0..=rng.below(4) {
            let name = rng.pick(&names).map_or_else(|| escaped(&text(rng)), |name| (*name).to_owned());
            pairs.push(format!("{name}={}", escaped(&text(rng))));
        }
        path = format!("{path}?{}", pairs.join("&"));
    }
    let others = [Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS, Method::POST];
    let is_own = rng.percent(85);
    let method = rng.pick(&others).filter(|_| !is_own).unwrap_or(&route.method).clone();
    let mut request = server.request(method, &path).headers(headers(rng));
    if rng.percent(80) {
        request = request.body(body(rng));
    }
    answer(request).await
}

/// Headers that mean something, with values that may not.
fn headers(rng: &mut Rng) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let bearer = format!("Bearer {SECRET}");
    headers.insert("authorization", HeaderValue::try_from(bearer).unwrap());
    let media: [&[u8]; 6] = [
        b"application/json",
        b"application/json",
        b"application/yaml",
        b"text/plain",
        b"\xff/\xfe",
        b"application/json; charset=utf-16",
    ];
    headers.insert(CONTENT_TYPE, HeaderValue::from_bytes(rng.pick(&media).unwrap()).unwrap());
    for name in [
        "if-match",
        "if-none-match",
        "idempotency-key",
        "x-correlation-id",
        "traceparent",
        "accept",
        "content-encoding",
    ] {
        if rng.percent(15) {
            // What the library does not let through is no header.
            if let Ok(value) = HeaderValue::from_bytes(text(rng).as_bytes()) {
                headers.insert(name, value);
            }
        }
    }
    headers
}

fn text(rng: &mut Rng) -> String {
    match rng.below(14) {
        0 => String::new(),
        1 => "\0".into(),
        2 => "../../etc/passwd".into(),
        3 => "' OR 1=1; --".into(),
        4 => "-1".into(),
        5 => "99999999999999999999999999".into(),
        6 => "\u{202e}\u{1f600}\u{7}\r\nX: y".into(),
        7 => "x".repeat(1 + rng.below(3_000)),
        8 => "*".into(),
        9 => "\"1\", W/\"2".into(),
        10 => "true".into(),
        11 => "1e309".into(),
        12 => "2026-13-45T99:99:99Z".into(),
        _ => (0..1 + rng.below(20)).filter_map(|_| char::from_u32(rng.below(0x3_0000) as u32)).collect(),
    }
}

/// Bytes that are no JSON, or JSON that nobody expects.
fn body(rng: &mut Rng) -> Vec<u8> {
    let depth = 1 + rng.below(3_000);
    let field = *rng
        .pick(&[
            "name",
            "context",
            "tags",
            "reason",
            "retry_limit",
            "more",
            "task_ids",
            "tasks",
            "type",
            "value",
            "inputs",
            "priority",
        ])
        .unwrap();
    let value = value(rng, 0);
    match rng.below(12) {
        0 => Vec::new(),
        1 => b"{".to_vec(),
        2 => format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into(),
        3 => format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)).into(),
        4 => (0..rng.below(200)).map(|_| rng.bits() as u8).collect(),
        5 => format!("{{\"{field}\": 1{}}}", "0".repeat(400)).into(),
        6 => b"{\"name\": \"\xff\xfe\", \"context\": {}}".to_vec(),
        7 => format!("{{\"name\": \"order\", \"context\": {{\"a\": \"{}\"}}}}", "x".repeat(LARGEST_BODY))
            .into(),
        8 => br#"{"name": "order", "name": "order", "context": {}}"#.to_vec(),
        9 => format!("{{\"name\": \"order\", \"context\": {{}}, \"{field}x\": {value}}}").into(),
        _ => format!("{{\"{field}\": {value}}}").into(),
    }
}

fn value(rng: &mut Rng, depth: usize) -> String {
    match rng.below(if depth > 3 { 8 } else { 10 }) {
        0 => "null".into(),
        1 => "-0.0".into(),
        2 => "1e400".into(),
        3 => "123456789012345678901234567890".into(),
        4 => r#""\ud800""#.into(),
        5 => r#""\u0000""#.into(),
        6 => "true".into(),
        7 => serde_json::to_string(&text(rng)).unwrap(),
        8 => format!("[{}]", value(rng, depth + 1)),
        _ => format!("{{{}: {}}}", serde_json::to_string(&text(rng)).unwrap(), value(rng, depth + 1)),
    }
}

/// Text as it may stand in an address; what is left of it there is up to the server.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
