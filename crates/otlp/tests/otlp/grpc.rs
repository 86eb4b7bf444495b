//! OTLP/gRPC against an HTTP/2 server that does as it is told.

use crate::messages::{Partial, Response, TraceRequest};
use crate::samples::{self, call};
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use open_cli_observe::Observer;
use open_cli_otlp::{Batches, Compression, Figures, Protocol, Target, TraceExporter};
use prost::Message;
use std::convert::Infallible;
use std::io::Read;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);

/// gRPC status and message of an answer.
type Status = (&'static str, &'static str);

struct Server {
    url: String,
    received: Receiver<(http::request::Parts, Bytes)>,
}

/// Answers with these, in this order; the last of them for good.
fn server(replies: &[Status]) -> Server {
    let (told, received) = channel();
    let (ready, address) = channel();
    let replies = Arc::new(Mutex::new(replies.to_vec()));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            ready.send(listener.local_addr().expect("an address")).expect("told");
            while let Ok((stream, _)) = listener.accept().await {
                let (told, replies) = (told.clone(), Arc::clone(&replies));
                let service = service_fn(move |request| answer(request, told.clone(), Arc::clone(&replies)));
                let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(serving);
            }
        });
    });
    Server { url: format!("http://{}/ignored", address.recv().expect("an address")), received }
}

type Frames = StreamBody<futures_util::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

async fn answer(
    request: Request<Incoming>,
    told: Sender<(http::request::Parts, Bytes)>,
    replies: Arc<Mutex<Vec<Status>>>,
) -> Result<http::Response<Frames>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let _ = told.send((head, body));
    let (status, message) = {
        let mut replies = replies.lock().expect("replies");
        if replies.len() > 1 { replies.remove(0) } else { replies[0] }
    };
    let partial = Response { partial: Some(Partial { rejected: 2, message: String::new() }) }.encode_to_vec();
    let length = u32::try_from(partial.len()).expect("short").to_be_bytes();
    let data = [&[0][..], &length, &partial].concat();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    trailers.insert("grpc-message", HeaderValue::from_static(message));
    let mut response = http::Response::builder().header("content-type", "application/grpc");
    let frames = if status == "0" {
        vec![Ok(Frame::data(data.into())), Ok(Frame::trailers(trailers))]
    } else {
        // Trailers only: they come as headers.
        response.headers_mut().expect("headers").extend(trailers);
        vec![]
    };
    Ok(response.body(StreamBody::new(futures_util::stream::iter(frames))).expect("a response"))
}

fn exporter(server: &Server, compression: Compression) -> TraceExporter {
    let target =
        Target { protocol: Protocol::Grpc, compression, ..Target::at(server.url.parse().expect("a URL")) };
    let batches = Batches { queue: 1_000, batch: 1, delay: LONG, timeout: LONG };
    TraceExporter::start(&target, batches, Arc::new(samples::resource())).expect("started")
}

#[test]
fn a_unary_call_carries_the_request_and_reads_the_answer() {
    for compression in [Compression::None, Compression::Gzip] {
        let server = server(&[("0", "")]);
        let exporter = exporter(&server, compression);
        exporter.trace_finished(&call(1));
        assert!(exporter.flush(LONG));
        let (head, body) = server.received.recv_timeout(LONG).expect("a request");
        assert_eq!(head.uri.path(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
        for (name, value) in [("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", "10000m")]
        {
            assert_eq!(head.headers[name], value);
        }
        let (prefix, message) = body.split_at(5);
        assert_eq!(u32::from_be_bytes(prefix[1..].try_into().expect("four")) as usize, message.len());
        let mut plain = message.to_vec();
        if compression == Compression::Gzip {
            assert_eq!((prefix[0], &head.headers["grpc-encoding"]), (1, &HeaderValue::from_static("gzip")));
            plain.clear();
            GzDecoder::new(message).read_to_end(&mut plain).expect("gzip");
        } else {
            assert_eq!((prefix[0], head.headers.get("grpc-encoding")), (0, None));
        }
        assert_eq!(TraceRequest::decode(&*plain).expect("a request").spans().len(), 7);
        assert_eq!(exporter.figures(), Figures { exported: 5, rejected: 2, sends: 1, ..Figures::default() });
    }
}

#[test]
fn codes_that_may_pass_are_tried_again_and_others_not() {
    for (code, exported) in [("14", 5), ("4", 5), ("3", 0), ("8", 0), ("16", 0), ("odd", 5)] {
        let server = server(&[(code, "no%20way"), ("0", "")]);
        let exporter = exporter(&server, Compression::None);
        exporter.trace_finished(&call(1));
        assert!(exporter.flush(LONG));
        let figures = exporter.figures();
        assert_eq!((figures.exported, figures.failures), (exported, 1), "{code}");
    }
}
