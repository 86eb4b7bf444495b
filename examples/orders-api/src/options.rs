//! Command-line flags.

/// What `--help` prints.
pub(crate) const USAGE: &str = "\
Usage: orders-api [--addr HOST:PORT] [--api-key KEY]

  --addr HOST:PORT  where to listen (default 127.0.0.1:0, a free port; the first line on stdout tells which)
  --api-key KEY     key that changes to orders need in X-API-Key (default: the variable ORDERS_API_KEY);
                    without a key nothing can be changed
";

/// What to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    /// Print [`USAGE`].
    Help,
    /// Run the server.
    Serve(Options),
}

/// How to serve.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    /// Address to bind.
    pub(crate) addr: String,
    /// Key for changes; `None` refuses them all.
    pub(crate) api_key: Option<String>,
}

/// Reads flags; `--flag value` and `--flag=value`. `key_variable` is the value of `ORDERS_API_KEY`.
pub(crate) fn parse(args: impl Iterator<Item = String>, key_variable: Option<String>) -> Result<Command, String> {
    let mut options = Options { addr: "127.0.0.1:0".into(), api_key: key_variable.filter(|key| !key.is_empty()) };
    let mut args = args;
    while let Some(arg) = args.next() {
        let (flag, inline) = match arg.split_once('=') {
            Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
            None => (arg, None),
        };
        let mut value = || inline.clone().or_else(|| args.next()).ok_or_else(|| format!("{flag} needs a value"));
        match flag.as_str() {
            "--addr" => options.addr = value()?,
            "--api-key" => match value()? {
                key if key.is_empty() => return Err("--api-key must not be empty".into()),
                key => options.api_key = Some(key),
            },
            "-h" | "--help" => return Ok(Command::Help),
            other => return Err(format!("unknown flag {other}")),
        }
    }
    Ok(Command::Serve(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str], variable: Option<&str>) -> Result<Command, String> {
        parse(args.iter().map(ToString::to_string), variable.map(Into::into))
    }

    #[test]
    fn flags_beat_the_environment_and_mistakes_are_named() {
        let serve = |addr: &str, key: Option<&str>| {
            Ok(Command::Serve(Options { addr: addr.into(), api_key: key.map(Into::into) }))
        };
        let cases = [
            (run(&[], None), serve("127.0.0.1:0", None)),
            (run(&[], Some("env")), serve("127.0.0.1:0", Some("env"))),
            (run(&[], Some("")), serve("127.0.0.1:0", None)),
            (run(&["--addr", "[::1]:80", "--api-key=a=b"], Some("env")), serve("[::1]:80", Some("a=b"))),
            (run(&["--help"], None), Ok(Command::Help)),
            (run(&["--api-key="], None), Err("--api-key must not be empty".into())),
            (run(&["--addr"], None), Err("--addr needs a value".into())),
            (run(&["serve"], None), Err("unknown flag serve".into())),
        ];
        for (got, want) in cases {
            assert_eq!(got, want);
        }
    }
}
