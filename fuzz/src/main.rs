//! `open-cli-fuzz [TARGET…]`: mutations of the corpus against each target for FUZZ_SECONDS, on stable Rust. The seed is
//! printed; FUZZ_SEED repeats it. An input that panics, hangs or ends the process stays in `fuzz/crashes`.

use open_cli_fuzz::{Mutator, SLOWEST, TARGETS, Target, corpus, target};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const DEFAULT_SECONDS: u64 = 5;

/// When the input of now began, in milliseconds since the start of the process; 0 between two.
static BEGAN: AtomicU64 = AtomicU64::new(0);

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = number("FUZZ_SECONDS").unwrap_or(DEFAULT_SECONDS);
    let seed = number("FUZZ_SEED").unwrap_or_else(|| fastrand::u64(..));
    let wanted: Option<Vec<&Target>> = match names.as_slice() {
        [] => Some(TARGETS.iter().collect()),
        names => names.iter().map(|name| target(name)).collect(),
    };
    let Some(wanted) = wanted else {
        let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        say(&format!("unknown target; there are: {}", known.join(", ")));
        return ExitCode::from(2);
    };
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("crashes");
    let begun = Instant::now();
    std::thread::spawn(move || watch(begun));
    // Panics are told below, with their input.
    std::panic::set_hook(Box::new(|_| {}));
    say(&format!("seed {seed} (FUZZ_SEED repeats it), {seconds} s for each of {} targets", wanted.len()));
    let mut findings = 0;
    for target in wanted {
        match run(target, seed, Duration::from_secs(seconds), &folder, begun) {
            Ok(found) => findings += found,
            Err(error) => {
                say(&format!("{}: {error}", target.name));
                return ExitCode::from(2);
            }
        }
    }
    if findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(target: &Target, seed: u64, time: Duration, folder: &Path, begun: Instant) -> io::Result<usize> {
    let kept: Vec<Vec<u8>> = corpus(target.name)?.into_iter().map(|(_, input)| input).collect();
    let mut mutator = Mutator::new(seed, &kept, target.dictionary);
    std::fs::create_dir_all(folder)?;
    // What ends the process leaves this behind.
    let last = folder.join(format!("{}-last", target.name));
    let mut file = File::create(&last)?;
    let started = Instant::now();
    let (mut inputs, mut findings, mut slowest) = (0_u64, 0, Duration::ZERO);
    while started.elapsed() < time {
        let input = mutator.next_input();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&input)?;
        file.set_len(input.len() as u64)?;
        let one = Instant::now();
        BEGAN.store(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX).max(1), Ordering::Relaxed);
        let result = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        BEGAN.store(0, Ordering::Relaxed);
        let took = one.elapsed();
        slowest = slowest.max(took);
        inputs += 1;
        if result.is_err() || took > SLOWEST {
            let what = if result.is_err() { "panic" } else { "slow" };
            let path = folder.join(format!("{}-{what}-{seed}-{inputs}", target.name));
            File::create(&path)?.write_all(&input)?;
            say(&format!("{}: {what}: {}", target.name, path.display()));
            findings += 1;
        }
    }
    std::fs::remove_file(&last)?;
    say(&format!(
        "{:15} {inputs:>9} inputs, slowest {} ms, {findings} findings",
        target.name,
        slowest.as_millis()
    ));
    Ok(findings)
}

/// Ends the process when one input takes for ever; its file stays.
fn watch(begun: Instant) {
    loop {
        std::thread::park_timeout(Duration::from_millis(500));
        let began = Duration::from_millis(BEGAN.load(Ordering::Relaxed));
        if !began.is_zero() && begun.elapsed().saturating_sub(began) > 2 * SLOWEST {
            say("an input does not come back; it is the file fuzz/crashes/<target>-last");
            std::process::exit(1);
        }
    }
}

fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
