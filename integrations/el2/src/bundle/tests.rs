use super::*;

const TOTAL_LENGTH: usize = 16;
const VM_COUNT: usize = 24;
const FIRST_RECORD: usize = HEADER_LENGTH;
const RECORD_LENGTH: usize = 144;

fn example() -> Vm<'static> {
    Vm {
        name: "lister 1.1",
        image: &[0xAA; 37],
        memory_base: 0x4000_0000,
        memory_size: 0x40_0000,
        load_address: 0x4020_0000,
        argument: 0x1_0001_0001,
        vcpus: 2,
        properties: 0b111,
        uuid: *b"0123456789abcdef",
        life_ms: 250,
        restarts: 3,
        dtb: true,
    }
}

fn encoded() -> Vec<u8> {
    let other = Vm { name: "", image: &[0xBB; 5], uuid: [0; 16], dtb: false, ..example() };
    let options = Options { policy: PolicyKind::AllowAll, trace: true };
    Bundle::encode(options, &[example(), other, example()]).unwrap()
}

fn vm_error(vm: Vm<'_>) -> Option<BundleError> {
    Bundle::encode(Options::default(), &[example(), vm]).err()
}

fn patched(offset: usize, with: &[u8]) -> Option<BundleError> {
    let mut bytes = encoded();
    bytes[offset..offset + with.len()].copy_from_slice(with);
    Bundle::parse(&bytes).err()
}

#[test]
fn what_goes_in_comes_out() {
    let bytes = encoded();
    let bundle = Bundle::parse(&bytes).unwrap();
    assert_eq!(bundle.options(), Options { policy: PolicyKind::AllowAll, trace: true });
    let vms: Vec<Vm<'_>> = bundle.vms().collect();
    assert_eq!(vms.len(), 3);
    assert_eq!((vms[0], vms[2]), (example(), example()));
    assert_eq!((vms[1].name, vms[1].image, vms[1].dtb), ("", &[0xBB; 5][..], false));
}

#[test]
fn the_layout_is_the_documented_one() {
    let bytes = encoded();
    assert_eq!(&bytes[..16], b"FFABUNDL\x01\0\0\0\x03\0\0\0");
    assert_eq!(bytes[TOTAL_LENGTH..VM_COUNT], (bytes.len() as u64).to_le_bytes()[..]);
    assert_eq!(bytes[FIRST_RECORD..FIRST_RECORD + 8], 0x4000_0000_u64.to_le_bytes());
    assert_eq!(bytes[FIRST_RECORD + 32], 0xE0, "the first image follows three records");
}

#[test]
fn equal_images_are_stored_once() {
    let bytes = encoded();
    assert_eq!(bytes.iter().filter(|&&byte| byte == 0xAA).count(), 37);
}

#[test]
fn the_header_tells_the_length() {
    let mut bytes = encoded();
    let length = bytes.len();
    assert_eq!(Bundle::total_length(&bytes[..HEADER_LENGTH]), Ok(length as u64));
    bytes.extend([0xFF; 100]);
    assert!(Bundle::parse(&bytes).is_ok(), "what follows a bundle does not matter");
}

#[test]
fn every_truncation_is_refused() {
    let bytes = encoded();
    for length in 0..bytes.len() {
        let error = Bundle::parse(&bytes[..length]).err();
        let need = if length < HEADER_LENGTH { HEADER_LENGTH } else { bytes.len() };
        let expected = BundleError::Truncated { need: need as u64, have: length as u64 };
        assert_eq!(error, Some(expected));
    }
}

#[test]
fn a_header_that_promises_too_little_is_refused() {
    let short = (HEADER_LENGTH as u64 + 1).to_le_bytes();
    let need = HEADER_LENGTH as u64 + 3 * RECORD_LENGTH as u64;
    let expected = BundleError::Truncated { need, have: HEADER_LENGTH as u64 + 1 };
    assert_eq!(patched(TOTAL_LENGTH, &short), Some(expected));
}

#[test]
fn a_wrong_header_is_refused() {
    assert_eq!(patched(0, b"x"), Some(BundleError::NotABundle));
    assert_eq!(Bundle::parse(&[0; 4096]).err(), Some(BundleError::NotABundle));
    assert_eq!(patched(8, &[2]), Some(BundleError::Version(2)));
    assert_eq!(patched(12, &[0xFF]), Some(BundleError::Options(0xFC)));
    assert_eq!(patched(VM_COUNT, &[0]), Some(BundleError::VmCount(0)));
    assert_eq!(patched(VM_COUNT, &[65]), Some(BundleError::VmCount(65)));
    assert_eq!(patched(VM_COUNT, &[0xFF; 8]), Some(BundleError::VmCount(u64::MAX)));
}

#[test]
fn numbers_that_wrap_are_refused() {
    for field in 0..6 {
        for value in [u64::MAX, u64::MAX - 0xFFF, u64::MAX - 3, 1 << 63] {
            let error = patched(FIRST_RECORD + 8 * field, &value.to_le_bytes());
            let argument = field == 3;
            assert_eq!(error.is_none(), argument, "field {field} = {value:#x}: {error:?}");
        }
    }
}

#[test]
fn unknown_flags_and_bad_names_are_refused() {
    let vm = |error| Some(BundleError::Vm(1, error));
    assert_eq!(patched(FIRST_RECORD + 50, &[3]), vm(VmError::Flags(2)));
    assert_eq!(patched(FIRST_RECORD + 80, &[0xFF]), vm(VmError::Name));
    assert_eq!(patched(FIRST_RECORD + 80, &[0x1B]), vm(VmError::Name));
}

#[test]
fn a_vm_that_cannot_run_is_refused() {
    let vm = example();
    let long = "x".repeat(NAME_LENGTH + 1);
    let base = vm.memory_base;
    let cases = [
        (Vm { name: &long, ..vm }, VmError::Name),
        (Vm { vcpus: 0, ..vm }, VmError::Vcpus(0)),
        (Vm { vcpus: 5, ..vm }, VmError::Vcpus(5)),
        (Vm { memory_base: base + 1, ..vm }, VmError::MemoryNotPages),
        (Vm { memory_size: 0x1001, ..vm }, VmError::MemoryNotPages),
        (Vm { memory_size: 0, ..vm }, VmError::MemoryNotPages),
        (Vm { memory_base: MEMORY_START - PAGE, ..vm }, VmError::MemoryOutside),
        (Vm { memory_size: MEMORY_END - base + PAGE, ..vm }, VmError::MemoryOutside),
        (Vm { image: &[], ..vm }, VmError::Image),
        (Vm { load_address: base + 2, ..vm }, VmError::LoadUnaligned),
        (Vm { load_address: base - 4, ..vm }, VmError::LoadOutside),
        (Vm { load_address: base + 0x40_0000 - 36, ..vm }, VmError::LoadOutside),
        (Vm { load_address: base + 0x40_0000 + 4, ..vm }, VmError::LoadOutside),
    ];
    for (vm, error) in cases {
        assert_eq!(vm_error(vm), Some(BundleError::Vm(2, error)), "{vm:?}");
    }
}

#[test]
fn a_vm_at_its_limits_is_accepted() {
    let vm = Vm { image: &[1; 4], ..example() };
    let end = vm.memory_base + vm.memory_size;
    let name = &"x".repeat(NAME_LENGTH)[..];
    for vm in [
        Vm { load_address: end - 4, ..vm },
        Vm { memory_base: MEMORY_START, memory_size: MEMORY_END - MEMORY_START, ..vm },
        Vm { name, vcpus: MAX_VCPUS, ..vm },
    ] {
        assert_eq!(vm_error(vm), None, "{vm:?}");
    }
}

#[test]
fn the_number_of_vms_is_bounded() {
    let vms = [example(); MAX_VMS + 1];
    assert!(Bundle::encode(Options::default(), &vms[..MAX_VMS]).is_ok());
    let count = |count| Some(BundleError::VmCount(count));
    assert_eq!(Bundle::encode(Options::default(), &vms).err(), count(65));
    assert_eq!(Bundle::encode(Options::default(), &[]).err(), count(0));
}

/// Whatever is accepted can be started, whichever bits were flipped.
#[test]
fn flipped_bits_are_refused_or_harmless() {
    let original = encoded();
    let head = HEADER_LENGTH + 3 * RECORD_LENGTH;
    for position in 0..8 * head {
        let mut bytes = original.clone();
        bytes[position / 8] ^= 1 << (position % 8);
        let Ok(bundle) = Bundle::parse(&bytes) else { continue };
        assert!(position >= 64, "the magic number was not checked");
        for vm in bundle.vms() {
            let end = vm.memory_base + vm.memory_size;
            assert!(vm.memory_base >= MEMORY_START && end <= MEMORY_END);
            assert!(vm.load_address >= vm.memory_base);
            assert!(vm.load_address + vm.image.len() as u64 <= end);
            assert!(!vm.image.is_empty() && vm.image.len() <= bytes.len());
        }
        assert_eq!(bundle.vms().count(), usize::from(bytes[VM_COUNT]));
    }
}

#[test]
fn errors_read_well() {
    let error = BundleError::Vm(2, VmError::Vcpus(9));
    assert_eq!(format!("{error}"), "vm2: 9 vCPUs, it can have 1 to 4");
    let error = BundleError::Truncated { need: 48, have: 0 };
    assert_eq!(format!("{error}"), "the bundle has 0 bytes where 48 are needed");
}
