//! Programs of C: how they are written, compiled and run.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs};

/// A program that prints lines, and reads descriptors from its input.
#[derive(Default)]
pub(crate) struct Program {
    statements: String,
}

impl Program {
    /// A line with one number in it.
    pub(crate) fn print(&mut self, line: &str, number: &str) {
        let statement = format!("printf(\"{line}\\n\", (unsigned long long)({number}));");
        self.add(&statement);
    }

    /// A variable of the name of its structure, and one that shows whether that is packed.
    pub(crate) fn declare(&mut self, tag: &str) {
        self.add(&format!("struct {tag} {tag};"));
        self.add(&format!("struct {{ char byte; struct {tag} value; }} {tag}_behind_a_byte;"));
    }

    pub(crate) fn assign(&mut self, tag: &str, place: &str, number: u64) {
        self.add(&format!("{tag}.{place} = {number:#x}ULL;"));
    }

    pub(crate) fn print_bytes(&mut self, tag: &str) {
        self.add(&format!("print_bytes(\"{tag} holds\", &{tag}, sizeof({tag}));"));
    }

    pub(crate) fn read_bytes(&mut self, tag: &str) {
        self.add(&format!("if (fread(&{tag}, sizeof({tag}), 1, stdin) != 1) return 1;"));
    }

    fn add(&mut self, statement: &str) {
        writeln!(self.statements, "    {statement}").unwrap();
    }

    pub(crate) fn source(&self) -> String {
        let head = "\
#include \"ffa_abi.h\"
#include <stdio.h>

static void print_bytes(const char *line, const void *bytes, size_t size)
{
    size_t index;
    printf(\"%s\", line);
    for (index = 0; index < size; index++)
        printf(\" %02x\", ((const unsigned char *)bytes)[index]);
    printf(\"\\n\");
}

int main(void)
{
";
        format!("{head}{}    return 0;\n}}\n", self.statements)
    }
}

/// A compiler, the standard that it keeps to, and what else it is told.
#[derive(Clone, Copy)]
pub(crate) struct Dialect {
    /// The variable that may name another compiler, and the one to take else.
    compiler: (&'static str, &'static str),
    standard: &'static str,
    extension: &'static str,
    options: &'static [&'static str],
}

impl Dialect {
    pub(crate) const C99: Dialect = Dialect::c("c99");

    pub(crate) const CPP17: Dialect =
        Dialect { compiler: ("CXX", "g++"), standard: "c++17", extension: "cpp", options: &[] };

    /// No header of the system is to be found.
    pub(crate) const FREESTANDING: Dialect = Dialect {
        standard: "gnu99",
        options: &["-nostdinc", "-ffreestanding", "-c"],
        ..Dialect::C99
    };

    /// C by another standard.
    pub(crate) const fn c(standard: &'static str) -> Dialect {
        Dialect { compiler: ("CC", "cc"), standard, extension: "c", options: &[] }
    }

    pub(crate) fn compiler(&self) -> String {
        let (variable, usual) = self.compiler;
        env::var(variable).unwrap_or_else(|_| usual.into())
    }

    /// What a program prints when it reads `input`.
    pub(crate) fn run(&self, name: &str, source: &str, input: &[u8]) -> String {
        let program = self.accepts(name, source);
        let mut command = Command::new(&program);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}: {}", program.display(), output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Compiles without a warning; the path of the program.
    pub(crate) fn accepts(&self, name: &str, source: &str) -> PathBuf {
        let (program, output) = self.compile(name, source);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} refuses the header:\n{told}", self.compiler());
        program
    }

    /// What the compiler says to a source that it must not take.
    pub(crate) fn refuses(&self, name: &str, source: &str) -> String {
        let (_, output) = self.compile(name, source);
        assert!(!output.status.success(), "{name} was compiled");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn compile(&self, name: &str, source: &str) -> (PathBuf, Output) {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c_header");
        fs::create_dir_all(&directory).unwrap();
        let program = directory.join(format!("{name}-{}", self.standard.replace('+', "p")));
        let file = program.with_extension(self.extension);
        fs::write(&file, source).unwrap();
        let mut command = Command::new(self.compiler());
        command.args(["-Wall", "-Wextra", "-Wpedantic", "-Wundef", "-Werror"]);
        command.arg(format!("-std={}", self.standard)).args(self.options);
        command.arg("-I").arg(include_directory()).arg("-I").arg(fixtures());
        let output = command.arg("-o").arg(&program).arg(&file).output();
        let help = "Rust links with it, too: install gcc or clang, or name another one";
        let (variable, _) = self.compiler;
        match output {
            Ok(output) => (program, output),
            Err(error) => panic!("cannot run {}: {error}: {help} in {variable}", self.compiler()),
        }
    }
}

/// Whether the compiler can be run.
pub(crate) fn is_there(compiler: &str) -> bool {
    Command::new(compiler).arg("--version").output().is_ok()
}

/// Where the header is.
pub(crate) fn include_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ffa-abi/include")
}

/// Where headers of the tests are.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c_header")
}
