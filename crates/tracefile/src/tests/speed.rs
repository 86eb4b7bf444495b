//! Figures, not checks. `cargo test --release -p open-cli-tracefile -- --ignored figures --nocapture`.

use super::*;
/// CPU time of the threads whose name begins so, in nanoseconds.
fn cpu(name: &str) -> u64 {
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux").flatten().map(|task| task.path());
    let named = tasks.filter(|task| read(task.join("comm")).starts_with(name));
    named.filter_map(|task| read(task.join("schedstat")).split(' ').next()?.parse::<u64>().ok()).sum()
}

fn own_cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default()
}

#[test]
#[ignore = "takes a while; for people"]
fn figures() {
    let root = tempfile::tempdir().expect("temporary directory");
    let file = open(root.path(), Options { keep_bytes: 128 << 20, ..options(16 << 20) });
    let count = 700_000;
    let begun = Instant::now();
    for n in 0..count {
        let outcome = if n % 1000 == 0 { Outcome::Refused } else { Outcome::Done };
        call(file.clone(), &format!("01890a5d-ac96-774b-bcce-b302{n:08}"), &outcome);
        if n % 1000 == 0 {
            file.flush();
        }
        if n % 4_000 == 0 {
            until_packed(root.path());
        }
    }
    file.flush();
    let per_trace = |nanos: u64| nanos as f64 / 1000.0 / f64::from(count);
    println!(
        "wall for each trace, making it included: {:.2} µs",
        begun.elapsed().as_nanos() as f64 / 1e3 / f64::from(count)
    );
    println!("writing: {:.2} µs of CPU a trace", per_trace(cpu("traces-write")));
    until_packed(root.path());
    println!("compressing: {:.2} µs of CPU a trace", per_trace(cpu("traces-keep")));
    let bytes = super::count(&file.stats().written_bytes);
    let sizes =
        |ending| with_ending(root.path(), ending).iter().flat_map(std::fs::metadata).map(|f| f.len()).sum::<u64>();
    println!(
        "{} bytes a line; {} files, {} MiB packed, {} MiB of indexes",
        bytes / count as u64,
        with_ending(root.path(), ".gz").len(),
        sizes(".gz") >> 20,
        sizes(".idx") >> 20
    );
    println!("rotations {}, lost {}", super::count(&file.stats().rotations), file.stats().lost_traces());
    let list = file.store().list(&ListQuery { limit: LIST_MAX, ..ListQuery::default() }).expect("readable");
    let time = |what: &str, ask: &dyn Fn() -> usize| {
        for _ in 0..3 {
            let (begun, before) = (Instant::now(), own_cpu());
            let found = ask();
            let (wall, cpu) = (begun.elapsed().as_nanos() as f64 / 1e6, (own_cpu() - before) as f64 / 1e6);
            println!("{what}: {found} in {wall:.2} ms, {cpu:.2} ms of CPU");
        }
    };
    let find = |id: &str| file.store().find(id).expect("readable").len();
    let old = &list[list.len() - 1];
    time("find the request of 10,000 ago", &|| find(old.request_id.as_deref().expect("an id")));
    time("find the newest trace", &|| find(&list[0].trace_id.to_string()));
    time("find nothing", &|| find("01890a5d-ac96-774b-bcce-b302aaaaaaaa"));
    let list = |query: ListQuery<'_>| file.store().list(&query).expect("readable").len();
    time("list 20", &|| list(ListQuery::default()));
    time("list 100 failed", &|| list(ListQuery { errors: true, limit: 100, ..ListQuery::default() }));
    time("list 20 slower than 1 s", &|| {
        list(ListQuery { slow: Some(Duration::from_secs(1)), ..ListQuery::default() })
    });
    time("list another tool", &|| list(ListQuery { tool: Some("x"), ..ListQuery::default() }));
}
