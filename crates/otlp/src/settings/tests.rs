use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let variables: Vec<_> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let look_up = move |name: &str| variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    Settings::from_env(&look_up)
}

fn settings(variables: &[(&str, &str)]) -> Settings {
    read(variables).unwrap_or_else(|error| panic!("{variables:?}: {error}"))
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[test]
fn nothing_is_sent_when_nothing_is_said() {
    for nothing in [&[][..], &[(ENDPOINT, " ")], &[("OTEL_SERVICE_NAME", "x"), ("OTEL_TRACES_EXPORTER", "")]] {
        let settings = settings(nothing);
        assert_eq!((settings.traces, settings.metrics, settings.logs), (None, None, None));
    }
}

#[test]
fn an_endpoint_for_all_gets_the_path_of_each_signal_and_one_of_its_own_stays_as_it_is() {
    let of = |endpoint, own| {
        let settings = settings(&[(ENDPOINT, endpoint), ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", own)]);
        [settings.traces, settings.metrics, settings.logs]
            .map(|target| target.expect("a target").endpoint.to_string())
    };
    let paths = ["http://c:4318/v1/traces", "http://c:4318/v1/metrics", "http://c:4318/v1/logs"];
    assert_eq!(of("http://c:4318", ""), paths);
    assert_eq!(of("http://c:4318/", ""), paths);
    assert_eq!(of("https://c/otlp/", "http://l")[..2], ["https://c/otlp/v1/traces", "https://c/otlp/v1/metrics"]);
    assert_eq!(of("https://c/otlp/", "http://l/my/logs?k=1")[2], "http://l/my/logs?k=1");
    assert_eq!(of("https://c/a?key=1", "")[0], "https://c/a/v1/traces?key=1");
}

#[test]
fn exporters_turn_signals_on_and_off() {
    let on = |variables: &[(&str, &str)]| {
        let settings = settings(variables);
        [settings.traces.is_some(), settings.metrics.is_some(), settings.logs.is_some()]
    };
    assert_eq!(on(&[(ENDPOINT, "http://c"), ("OTEL_LOGS_EXPORTER", "none")]), [true, true, false]);
    assert_eq!(on(&[(ENDPOINT, "http://c"), ("OTEL_METRICS_EXPORTER", "prometheus")]), [true, false, true]);
    assert_eq!(on(&[("OTEL_METRICS_EXPORTER", "Prometheus, OTLP")]), [false, true, false]);
    assert_eq!(on(&[("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_SDK_DISABLED", "TRUE")]), [false; 3]);
    let traces = settings(&[("OTEL_TRACES_EXPORTER", "otlp")]).traces.expect("traces");
    assert_eq!(traces.endpoint, "http://localhost:4318/v1/traces");
}

#[test]
fn a_signals_own_variables_come_before_those_for_all() {
    let settings = settings(&[
        (ENDPOINT, "http://c"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1,b=%32"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "A=3"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "3000"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/protobuf"),
    ]);
    let [traces, metrics, logs] =
        [settings.traces, settings.metrics, settings.logs].map(|target| target.expect("a target"));
    let headers = |target: &Target| {
        let headers =
            target.headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().expect("text")));
        headers.collect::<Vec<_>>()
    };
    assert_eq!((headers(&traces), headers(&logs)), (vec!["a=3".into()], vec!["a=1".into(), "b=2".into()]));
    assert_eq!((traces.timeout, metrics.timeout), (Duration::from_secs(2), Duration::from_secs(3)));
    assert_eq!((traces.compression, logs.compression), (Compression::Gzip, Compression::None));
    assert_eq!(traces.tls.certificate, Some("/ca.pem".into()));
}

#[test]
fn queues_and_times_are_read() {
    let settings = settings(&[
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_SCHEDULE_DELAY", "250"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "50"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "10"),
        ("OTEL_BLRP_EXPORT_TIMEOUT", "7000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "15000"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"),
    ]);
    let millis = Duration::from_millis;
    let expected = Batches { queue: 100, batch: 100, delay: millis(250), timeout: millis(30_000) };
    assert_eq!(settings.span_batches, expected);
    let expected = Batches { queue: 50, batch: 10, delay: millis(1_000), timeout: millis(7_000) };
    assert_eq!(settings.log_batches, expected);
    assert_eq!(settings.metric_reading, Reading { interval: millis(15_000), timeout: millis(30_000) });
    assert_eq!(settings.exemplars, ExemplarFilter::AlwaysOff);
}

#[test]
fn samplers_are_read() {
    let sampler = |name, argument| {
        settings(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)]).sampling
    };
    for (name, argument, parent_based, ratio) in [
        ("", "0.5", true, 1.0),
        ("parentbased_always_on", "", true, 1.0),
        ("parentbased_always_off", "", true, 0.0),
        ("parentbased_traceidratio", "0.25", true, 0.25),
        ("ParentBased_TraceIdRatio", "", true, 1.0),
        ("always_on", "nonsense", false, 1.0),
        ("always_off", "", false, 0.0),
        ("traceidratio", "0", false, 0.0),
    ] {
        assert_eq!(sampler(name, argument), Sampling { parent_based, ratio }, "{name} {argument}");
    }
}

#[test]
fn the_resource_is_what_the_variables_say_and_else_what_the_program_says() {
    let settings = settings(&[
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=loses, service.namespace = shop%2Ceu ,host.name=h1,host.name=h2",
        ),
        ("OTEL_SERVICE_NAME", "orders"),
    ]);
    let own = vec![("service.name".into(), "open-cli-toolbox".into()), ("host.name".into(), "here".into())];
    let resource = settings.resource(own);
    let expected = [("service.name", "orders"), ("host.name", "h2"), ("service.namespace", "shop,eu")];
    let attributes = resource.attributes().iter().map(|(name, value)| (&**name, value.as_str().expect("text")));
    assert_eq!(attributes.collect::<Vec<_>>(), expected);
    let named = super::tests::settings(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=wins")]).service_name;
    assert_eq!(named.as_deref(), Some("wins"));
}

#[test]
fn what_cannot_be_understood_is_an_error_that_names_the_variable_and_shows_no_secret() {
    for (name, value) in [
        (ENDPOINT, "localhost:4318"),
        (ENDPOINT, "ftp://c"),
        (ENDPOINT, "http://user:s3cret@c"),
        (ENDPOINT, "not a url s3cret"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "//c"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1,s3cret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=s3cret%0a"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=s3cret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "Content-Type=s3cret"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "=s3cret"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier pigeon"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/c.pem"),
        ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "65537"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "1e3"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "18446744073709551616"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "sometimes"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=1,b"),
    ] {
        let error = read(&[(name, value), ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m")]);
        let error = error.expect_err(name).to_string();
        assert!(error.starts_with(&format!("{name}: ")), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    let bad_ratio = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "1.5")];
    assert_eq!(read(&bad_ratio).expect_err("too much").variable, "OTEL_TRACES_SAMPLER_ARG");
}

#[test]
fn grpc_is_there_only_when_it_was_built_in() {
    let read = read(&[(ENDPOINT, "http://c:4317/ignored"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
    if cfg!(feature = "grpc") {
        let traces = read.expect("settings").traces.expect("traces");
        assert_eq!((traces.protocol, &*traces.endpoint.to_string()), (Protocol::Grpc, "http://c:4317/ignored"));
    } else {
        assert!(read.expect_err("no gRPC").reason.contains("http/protobuf"));
    }
}
