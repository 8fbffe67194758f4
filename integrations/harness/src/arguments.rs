//! The command line.

mod decode;

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use ffa_harness::random::Barrage;
use ffa_harness::storm::Options;
use lexopt::{Arg, Parser, ValueExt};

pub(crate) use self::decode::Question;

/// What is printed for `--help`.
pub(crate) const HELP: &str = "\
A model hypervisor that tries the FF-A mediator.

Usage: ffa-harness storm [--vms N] [--readers N] [--churn] [--seconds N] [--seed N]
                         [--policy allow-all|vm-to-sp] [--sps N] [--json]
       ffa-harness random [--seconds N] [--seed N]
       ffa-harness decode [--version V] W0 [X1 ...]

storm   readers list partitions while VMs come and go; each answer is checked
  --vms N        VMs alive at any time, the readers' among them (512)
  --readers N    vCPUs that list: a thread and a VM each, of versions 1.2, 1.1, 1.0 in turn (2)
  --churn        create and destroy VMs meanwhile
  --policy P     who sees whom: allow-all or vm-to-sp (allow-all)
  --sps N        secure partitions; 0 is no firmware (0)
  --json         figures for machines; times in nanoseconds

random  vCPUs make random and mutated calls while their VMs are destroyed and created

Both:
  --seconds N    how long (10)
  --seed N       where random choices begin (1)

decode  explains registers and descriptors field by field: see `ffa-harness decode --help`

Exit status: 0 all promises held, 1 one was broken, 2 wrong usage.
";

/// What to do.
pub(crate) enum Command {
    Help(&'static str),
    Storm { options: Options, json: bool },
    Random(Barrage),
    Decode(Box<Question>),
}

/// What cannot be understood.
pub(crate) struct Usage(pub(crate) String);

pub(crate) fn parse(mut parser: Parser) -> Result<Command, Usage> {
    match parser.next()? {
        Some(Arg::Value(name)) if name == "storm" => storm(parser),
        Some(Arg::Value(name)) if name == "random" => random(parser),
        Some(Arg::Value(name)) if name == "decode" => decode::parse(parser),
        Some(Arg::Long("help") | Arg::Short('h')) => Ok(Command::Help(HELP)),
        Some(Arg::Value(name)) => Err(Usage(format!("no command {}", name.to_string_lossy()))),
        Some(other) => Err(other.unexpected().into()),
        None => Err(Usage("a command is missing".into())),
    }
}

fn storm(mut parser: Parser) -> Result<Command, Usage> {
    let (mut options, mut json) = (Options::default(), false);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("vms") => options.vms = number(&mut parser, "--vms")?,
            Arg::Long("readers") => options.readers = number(&mut parser, "--readers")?,
            Arg::Long("churn") => options.churn = true,
            Arg::Long("seconds") => options.duration = seconds(&mut parser)?,
            Arg::Long("seed") => options.seed = number(&mut parser, "--seed")?,
            Arg::Long("policy") => options.allow_all = policy(&mut parser)?,
            Arg::Long("sps") => options.secure_partitions = number(&mut parser, "--sps")?,
            Arg::Long("json") => json = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help(HELP)),
            other => return Err(other.unexpected().into()),
        }
    }
    options.check().map_err(Usage)?;
    Ok(Command::Storm { options, json })
}

fn random(mut parser: Parser) -> Result<Command, Usage> {
    let mut barrage = Barrage::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("seconds") => barrage.duration = seconds(&mut parser)?,
            Arg::Long("seed") => barrage.seed = number(&mut parser, "--seed")?,
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help(HELP)),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Random(barrage))
}

fn number<N: FromStr<Err: Display>>(parser: &mut Parser, option: &str) -> Result<N, Usage> {
    let text = parser.value()?.string()?;
    text.parse().map_err(|error| Usage(format!("{option} {text}: {error}")))
}

/// Up to a day, fractions allowed.
fn seconds(parser: &mut Parser) -> Result<Duration, Usage> {
    let seconds: f64 = number(parser, "--seconds")?;
    if (0.0..=86_400.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(Usage(format!("--seconds {seconds}: not between 0 and 86400")))
    }
}

fn policy(parser: &mut Parser) -> Result<bool, Usage> {
    let text = parser.value()?.string()?;
    match text.as_str() {
        "allow-all" => Ok(true),
        "vm-to-sp" => Ok(false),
        _ => Err(Usage(format!("--policy {text}: allow-all or vm-to-sp"))),
    }
}

impl From<lexopt::Error> for Usage {
    fn from(error: lexopt::Error) -> Self {
        Usage(error.to_string())
    }
}
