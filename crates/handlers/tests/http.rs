//! The `http` handler against servers on this machine.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tasker_core::outcome::{Failure, FailureKind};
use tasker_engine::context::StepContext;
use tasker_engine::handler::StepHandler;
use tasker_handlers::{HttpHandler, HttpPolicy};
use tokio::sync::oneshot;
use wiremock::matchers::{body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn run(config: Value) -> Result<Value, Failure> {
    run_with(HttpPolicy::default(), config).await
}

async fn run_with(policy: HttpPolicy, config: Value) -> Result<Value, Failure> {
    let step = StepContext::for_test(
        "charge",
        config,
        json!({ "order_id": 7 }),
        &[("reserve", json!({ "total": 12 }))],
    );
    HttpHandler::new(policy).run(step).await
}

/// Runs a step against a server with one answer.
async fn answered(answer: ResponseTemplate, more: Value) -> Result<Value, Failure> {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
    let mut config = json!({ "url": server.uri() });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    run(config).await
}

async fn failed(answer: ResponseTemplate) -> Failure {
    answered(answer, json!({})).await.unwrap_err()
}

fn outline(failure: &Failure) -> (&str, bool) {
    (failure.code.as_str(), failure.is_retryable())
}

fn wait(failure: &Failure) -> Option<u32> {
    match failure.kind {
        FailureKind::Retryable { retry_after } => retry_after,
        FailureKind::Permanent => panic!("{failure:?} is permanent"),
    }
}

#[tokio::test]
async fn dom_100_as_46_success_holds_status_headers_and_body() {
    for status in [200, 201, 202] {
        let answer = ResponseTemplate::new(status)
            .set_body_json(json!({ "id": [1] }))
            .insert_header("set-cookie", "s=1");
        let result = answered(answer, json!({})).await.unwrap();
        assert_eq!(result["status"], status);
        assert_eq!(result["body"], json!({ "id": [1] }));
        assert_eq!(result["headers"]["content-type"], "application/json");
        assert_eq!(result["headers"]["set-cookie"], "[FILTERED]");
    }
    let result = answered(ResponseTemplate::new(204), json!({})).await.unwrap();
    assert_eq!((result["status"].as_u64(), &result["body"]), (Some(204), &Value::Null));
}

#[tokio::test]
async fn dom_101_as_45_retry_after_is_handed_on() {
    let answer = |value: &str| ResponseTemplate::new(429).insert_header("Retry-After", value);
    let failure = failed(answer("30")).await;
    assert_eq!((outline(&failure), wait(&failure)), (("HTTP_429", true), Some(30)));
    assert_eq!(failure.class, "TooManyRequests");
    assert_eq!(wait(&failed(answer("900")).await), Some(900));
    let failure = failed(ResponseTemplate::new(503).insert_header("Retry-After", "7200")).await;
    assert_eq!(wait(&failure), Some(7200), "as_47: the engine cuts it to its limit");
    let failure = failed(ResponseTemplate::new(500).insert_header("Retry-After", "5")).await;
    assert_eq!(wait(&failure), Some(5), "any status that may be tried again");
}

#[tokio::test]
async fn as_47_retry_after_may_be_a_date() {
    let date = httpdate(SystemTime::now() + Duration::from_secs(60));
    let seconds = wait(&failed(ResponseTemplate::new(503).insert_header("Retry-After", date)).await).unwrap();
    assert!((55..=60).contains(&seconds), "{seconds}");
}

/// A date as HTTP writes it, without a library: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn httpdate(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let name = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][month];
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("Thu, {:02} {name} {year} {hour:02}:{minute:02}:{second:02} GMT", days + 1)
}

#[tokio::test]
async fn dom_102_dom_105_no_usable_retry_after_leaves_the_wait_to_the_engine() {
    assert_eq!(wait(&failed(ResponseTemplate::new(429)).await), None);
    assert_eq!(wait(&failed(ResponseTemplate::new(503)).await), None);
    assert_eq!(wait(&failed(ResponseTemplate::new(503).insert_header("Retry-After", "soon")).await), None);
}

#[tokio::test]
async fn dom_103_dom_104_as_46_statuses_fail_for_good_or_for_now() {
    for status in [500, 502, 503, 409, 423, 408] {
        assert_eq!(
            outline(&failed(ResponseTemplate::new(status)).await),
            (format!("HTTP_{status}").as_str(), true)
        );
    }
    for status in [400, 401, 403, 404, 422, 410, 301, 304] {
        assert_eq!(
            outline(&failed(ResponseTemplate::new(status)).await),
            (format!("HTTP_{status}").as_str(), false)
        );
    }
}

#[tokio::test]
async fn failures_tell_what_was_answered_without_secrets() {
    let body = json!({ "why": "no", "token": "t0p" });
    let answer = ResponseTemplate::new(422).set_body_json(body).insert_header("x-api-key", "k");
    let failure = answered(answer, json!({ "params": { "key": "secret" } })).await.unwrap_err();
    assert!(failure.message.ends_with("/ answered 422 Unprocessable Entity"), "{}", failure.message);
    let context = failure.context.clone().unwrap();
    assert_eq!(context["status"], 422);
    assert_eq!(context["method"], "GET");
    assert_eq!(context["response"], json!({ "why": "no", "token": "[FILTERED]" }));
    assert_eq!(context["headers"]["x-api-key"], "[FILTERED]");
    assert!(!format!("{failure:?}").contains("secret"));
    let long = failed(ResponseTemplate::new(500).set_body_string("x".repeat(100_000))).await;
    assert_eq!(long.context.unwrap()["response"].as_str().unwrap().len(), 8192);
}

#[tokio::test]
async fn status_overrides_come_first() {
    let overrides =
        json!({ "status_overrides": { "409": "success", "404": "retryable", "500": "permanent" } });
    let result =
        answered(ResponseTemplate::new(409).set_body_string("there"), overrides.clone()).await.unwrap();
    assert_eq!((result["status"].as_u64(), result["body"].as_str()), (Some(409), Some("there")));
    let failure = answered(ResponseTemplate::new(404), overrides.clone()).await.unwrap_err();
    assert_eq!(outline(&failure), ("HTTP_404", true));
    let failure = answered(ResponseTemplate::new(500), overrides).await.unwrap_err();
    assert_eq!(outline(&failure), ("HTTP_500", false));
}

#[tokio::test]
async fn dom_108_as_48_json_headers_and_the_key_of_the_step_are_sent() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(header("content-type", "application/json"))
        .and(header("accept", "application/json"))
        .and(header("idempotency-key", "00000000-0000-0000-0000-000000000000/charge"))
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(run(json!({ "type": "api", "url": server.uri() })).await.unwrap()["status"], 200);
}

#[tokio::test]
async fn templates_make_the_request() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/payments/7"))
        .and(query_param("step", "charge"))
        .and(body_json(json!({ "order": 7, "amount": 12, "note": "order 7" })))
        .respond_with(ResponseTemplate::new(201).set_body_raw("{broken", "application/json"))
        .expect(1)
        .mount(&server)
        .await;
    let result = run(json!({
        "url": format!("{}/v1", server.uri()),
        "path": "payments/{order_id}",
        "params": { "step": "{{ step.name }}" },
        "json": { "order": "{{ context.order_id }}", "amount": "{{ results.reserve.total }}", "note": "order {{ context.order_id }}" },
    }));
    assert_eq!(result.await.unwrap()["body"], "{broken");
    let failure = run(json!({ "url": "{{ context.shop_url }}/x" })).await.unwrap_err();
    assert_eq!(outline(&failure), ("template_undefined", false));
}

#[tokio::test]
async fn as_51_bodies_that_are_too_large_or_cannot_be_stored_are_permanent() {
    let large = ResponseTemplate::new(200).set_body_string("x".repeat(10 * 1024 * 1024));
    assert_eq!(outline(&failed(large).await), ("response_too_large", false));
    let limit = json!({ "max_response_bytes": 4 });
    let four = answered(ResponseTemplate::new(200).set_body_string("four"), limit.clone()).await.unwrap();
    assert_eq!(four["body"], "four");
    let failure = answered(ResponseTemplate::new(200).set_body_string("fives"), limit).await.unwrap_err();
    assert_eq!(outline(&failure), ("response_too_large", false));
    let nul = ResponseTemplate::new(200).set_body_raw(r#"{"a":"\u0000"}"#, "application/json");
    assert_eq!(outline(&failed(nul).await), ("invalid_text", false));
    let binary =
        answered(ResponseTemplate::new(200).set_body_bytes(vec![0xff, 0x00]), json!({})).await.unwrap();
    assert_eq!(binary["body"], json!({ "base64": "/wA=" }));
}

/// A server whose first connection is served by `serve`.
fn server<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (SocketAddr, oneshot::Receiver<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (done, result) = oneshot::channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let _ = done.send(serve(stream));
    });
    (address, result)
}

/// Reads until the client closes; the number of bytes it had sent.
fn until_closed(mut stream: TcpStream) -> usize {
    let (mut all, mut buffer) = (0, [0; 4096]);
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        all += length;
    }
    all
}

#[tokio::test]
async fn dom_107_as_49_a_silent_server_costs_the_timeout_and_nothing_more() {
    let (address, closed) = server(until_closed);
    let start = Instant::now();
    let failure =
        run(json!({ "url": format!("http://{address}/"), "timeout_seconds": 0.3 })).await.unwrap_err();
    assert_eq!(outline(&failure), ("http_timeout", true));
    assert!(start.elapsed() >= Duration::from_millis(300) && start.elapsed() < Duration::from_secs(5));
    let sent = tokio::time::timeout(Duration::from_secs(10), closed).await.expect("the connection is closed");
    assert!(sent.unwrap() > 0);
}

#[tokio::test]
async fn a_slow_body_counts_against_the_timeout_too() {
    let (address, _closed) = server(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nslow").unwrap();
        until_closed(stream)
    });
    let failure =
        run(json!({ "url": format!("http://{address}/"), "timeout_seconds": 0.3 })).await.unwrap_err();
    assert_eq!(outline(&failure), ("http_timeout", true));
}

#[tokio::test]
async fn a_request_ends_with_its_attempt() {
    let (address, _closed) = server(until_closed);
    let step = StepContext::for_test("s", json!({ "url": format!("http://{address}/") }), json!({}), &[]);
    let cancellation = step.cancellation.clone();
    let running = tokio::spawn(async move { HttpHandler::new(HttpPolicy::default()).run(step).await });
    cancellation.cancel();
    let failure = tokio::time::timeout(Duration::from_secs(10), running).await.unwrap().unwrap().unwrap_err();
    assert_eq!(outline(&failure), ("cancelled", true));
    let (address, _closed) = server(until_closed);
    let mut step = StepContext::for_test("s", json!({ "url": format!("http://{address}/") }), json!({}), &[]);
    step.timeout = Duration::from_millis(200);
    let failure = HttpHandler::new(HttpPolicy::default()).run(step).await.unwrap_err();
    assert_eq!(outline(&failure), ("http_timeout", true), "the attempt's limit counts where it is shorter");
}

#[tokio::test]
async fn as_46_no_answer_may_be_tried_again() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failure = run(json!({ "url": format!("http://{free}/") })).await.unwrap_err();
    assert_eq!(outline(&failure), ("connection_refused", true));
    let (address, _) = server(|mut stream| drop(stream.read(&mut [0; 64])));
    let failure = run(json!({ "url": format!("http://{address}/") })).await.unwrap_err();
    assert_eq!(outline(&failure), ("connection_reset", true));
    let failure = run(json!({ "url": format!("http://{}.test/", "a".repeat(70)) })).await.unwrap_err();
    assert_eq!(outline(&failure), ("dns_failure", true));
}

async fn redirecting(to: &str) -> MockServer {
    let server = MockServer::start().await;
    let there = if to.starts_with('/') { format!("{}{to}", server.uri()) } else { to.to_owned() };
    Mock::given(path("/from"))
        .respond_with(ResponseTemplate::new(302).insert_header("location", there))
        .mount(&server)
        .await;
    Mock::given(path("/to"))
        .respond_with(ResponseTemplate::new(200).set_body_string("here"))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_allowed() {
    let server = redirecting("/to").await;
    let url = format!("{}/from", server.uri());
    assert_eq!(outline(&run(json!({ "url": url })).await.unwrap_err()), ("HTTP_302", false));
    let result = run(json!({ "url": url, "follow_redirects": 1 })).await.unwrap();
    assert_eq!((result["status"].as_u64(), result["body"].as_str()), (Some(200), Some("here")));
    let endless = redirecting("/from").await;
    let failure =
        run(json!({ "url": format!("{}/from", endless.uri()), "follow_redirects": 2 })).await.unwrap_err();
    assert_eq!(outline(&failure), ("HTTP_302", false));
    assert_eq!(endless.received_requests().await.unwrap().len(), 3);
}

#[tokio::test]
async fn forbidden_addresses_are_refused_however_they_are_reached() {
    for url in ["http://169.254.169.254/latest/meta-data", "http://[::ffff:169.254.169.254]/"] {
        assert_eq!(
            outline(&run(json!({ "url": url })).await.unwrap_err()),
            ("network_denied", false),
            "{url}"
        );
    }
    let server = redirecting("http://169.254.169.254/latest").await;
    let config = json!({ "url": format!("{}/from", server.uri()), "follow_redirects": 5 });
    assert_eq!(outline(&run(config).await.unwrap_err()), ("network_denied", false));
    let loopback = || HttpPolicy::new(vec![], &["127.0.0.0/8".into(), "::1".into()]).unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let config = json!({ "url": format!("http://{host}:{}/to", server.address().port()) });
        let failure = run_with(loopback(), config).await.unwrap_err();
        assert_eq!(outline(&failure), ("network_denied", false), "{host}");
    }
    let hosts = HttpPolicy::new(vec!["api.example.org".into()], &[]).unwrap();
    let failure = run_with(hosts, json!({ "url": format!("{}/to", server.uri()) })).await.unwrap_err();
    assert_eq!(outline(&failure), ("network_denied", false));
}

fn tls_server() -> SocketAddr {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let file = |name| format!("{}/tests/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let certificates =
        CertificateDer::pem_file_iter(file("server.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    let (address, _) = server(move |mut tcp| {
        let mut connection = rustls::ServerConnection::new(config.into()).unwrap();
        let mut stream = rustls::Stream::new(&mut connection, &mut tcp);
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret");
        let _ = stream.flush();
    });
    address
}

#[tokio::test]
async fn certificates_must_be_trusted() {
    let failure = run(json!({ "url": format!("https://{}/", tls_server()) })).await.unwrap_err();
    assert_eq!(outline(&failure), ("tls_certificate", false));
    let ca = format!("{}/tests/tls/ca.pem", env!("CARGO_MANIFEST_DIR"));
    for ssl in
        [json!({ "ca_file": ca }), json!({ "verify": false }), json!({ "ca_file": ca, "min_version": "1.3" })]
    {
        let result = run(json!({ "url": format!("https://{}/", tls_server()), "ssl": ssl })).await.unwrap();
        assert_eq!(result["body"], "secret", "{ssl}");
    }
    let failure =
        run(json!({ "url": "https://127.0.0.1/", "ssl": { "ca_file": "/nowhere" } })).await.unwrap_err();
    assert_eq!(outline(&failure), ("invalid_handler_config", false));
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_may_be_tried_again() {
    let (address, _) = server(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let failure = run(json!({ "url": format!("https://{address}/") })).await.unwrap_err();
    assert_eq!(outline(&failure), ("tls_failure", true));
}

#[tokio::test]
async fn a_proxy_is_used_where_one_is_named() {
    let proxy = MockServer::start().await;
    Mock::given(path("/x"))
        .respond_with(ResponseTemplate::new(200).set_body_string("by proxy"))
        .mount(&proxy)
        .await;
    let result = run(json!({ "url": "http://shop.test/x", "proxy": proxy.uri() })).await.unwrap();
    assert_eq!(result["body"], "by proxy");
}

#[test]
fn verdicts_are_part_of_the_library() {
    use tasker_handlers::http::{Verdict, classify};
    assert_eq!(classify(204, &BTreeMap::new()), Verdict::Success);
}
