//! What people type wrong: each mistake has its message and its exit status, before anything is built.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A directory with images of every kind, removed at the end.
struct Images(PathBuf);

impl Images {
    fn new(test: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("xtask-{test}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("flat"), [0x1f, 0x20, 0x03, 0xd5]).unwrap();
        fs::write(directory.join("empty"), "").unwrap();
        fs::write(directory.join("elf"), b"\x7fELF\x02\x01\x01").unwrap();
        fs::write(directory.join("large"), vec![0; (2 << 20) + 1]).unwrap();
        Self(directory)
    }

    fn xtask(&self, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.current_dir(&self.0).args(line.split_whitespace()).output().unwrap()
    }

    /// Runs `line`: it must end with status 2 and say `reason`, and nothing on stdout.
    fn refuses(&self, line: &str, reason: &str) {
        let output = self.xtask(line);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {told}");
        assert!(told.starts_with("error: ") && told.contains(reason), "{line}: {told}");
        assert!(output.stdout.is_empty(), "{line}");
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn wrong_images_are_named() {
    let images = Images::new("images");
    images.refuses("qemu --vm missing", "missing: cannot be read");
    images.refuses("qemu --vm .", "not a regular file");
    images.refuses("qemu --vm empty", "empty: is empty");
    images.refuses("qemu --vm elf", "objcopy -O binary elf elf.bin");
    images.refuses("qemu --vm large", "more mem=");
    images.refuses("qemu --vm flat --vm elf", "elf: is an ELF file");
}

#[test]
fn wrong_vms_are_named() {
    let images = Images::new("vms");
    images.refuses("qemu --vm flat,base=0x40000001", "not a multiple of 4096");
    images.refuses("qemu --vm flat,load=0x40200001", "not a multiple of 4");
    images.refuses("qemu --vm flat,load=0x50000000", "outside the VM's RAM");
    images.refuses("qemu --vm flat,vcpus=0", "vcpus: 0 is out of range: 1 to 4");
    images.refuses("qemu --vm flat,vcpus=5", "vcpus: 5 is out of range: 1 to 4");
    images.refuses("qemu --vm flat,uuid=1-2-3", "is not a UUID");
    images.refuses("qemu --vm flat,colour=red", "no such key");
    images.refuses("qemu --vm flat,props=direct+fast", "`fast` is not a property");
    images.refuses(&format!("qemu{}", " --vm flat".repeat(65)), "65 VMs are too many");
}

#[test]
fn wrong_machines_are_named() {
    let images = Images::new("machines");
    images.refuses("qemu --vm flat --cpus 0", "1 to 4");
    images.refuses("qemu --vm flat --cpus 5", "1 to 4");
    images.refuses("qemu --vm flat --memory 64M", "--memory 64M is too small");
    images.refuses("qemu --vm flat,mem=2G --memory 1G", "--memory 1G is too small");
    images.refuses("qemu --vm flat --timeout soon", "not a number");
    images.refuses("qemu --vm flat --policy open", "no such policy");
    images.refuses("qemu --vm flat --bios missing", "--bios missing");
    images.refuses("qemu --vm", "missing argument");
    images.refuses("qemu --what", "invalid option");
}

#[test]
fn wrong_commands_are_named() {
    let images = Images::new("commands");
    images.refuses("qmeu", "no command `qmeu`");
    images.refuses("test no-such-step", "no step `no-such-step`");
    images.refuses("bundle --vm flat", "-o FILE");
    images.refuses("bundle -o out", "no --vm");
    images.refuses("bundle --vm elf -o out", "is an ELF file");
    images.refuses("image now", "unexpected argument `now`");
    images.refuses("demo --loud", "invalid option");
    images.refuses("fuzz massage", "no target `massage`");
    images.refuses("fuzz --seconds 5 --merge", "exclude each other");
    images.refuses("fuzz --input missing message", "missing: ");
    images.refuses("xen destory", "no run `destory`, but transcript, talk, destroy");
    images.refuses("xen --cpus 5", "--cpus: 5 is out of range: 1 to 4");
}

#[test]
fn every_command_has_help() {
    let images = Images::new("help");
    for command in ["demo", "test", "fuzz", "qemu", "xen", "image", "bundle", "bench", "setup"] {
        let output = images.xtask(&format!("{command} --help"));
        assert!(output.status.success(), "{command}");
        let usage = format!("Usage: cargo xtask {command}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(&usage), "{command}");
    }
    let output = images.xtask("--help");
    assert!(output.status.success());
}

#[test]
fn a_bundle_is_written_and_can_be_read() {
    let images = Images::new("bundle");
    let output = images.xtask("bundle --vm flat,name=one --vm flat,vcpus=2 --trace -o out");
    assert!(output.status.success());
    let bytes = fs::read(images.0.join("out")).unwrap();
    let bundle = ffa_el2::bundle::Bundle::parse(&bytes).unwrap();
    let names: Vec<_> = bundle.vms().map(|vm| (vm.name, vm.vcpus)).collect();
    assert_eq!(names, [("one", 1), ("flat", 2)]);
    assert!(bundle.options().trace);
}
