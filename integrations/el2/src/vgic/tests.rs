use super::*;

const SPI: u32 = 40;
const LISTS: usize = 4;

const ENABLE: u64 = 0x100;
const DISABLE: u64 = 0x180;
const SET_PENDING: u64 = 0x200;
const CLEAR_PENDING: u64 = 0x280;
const PRIORITY: u64 = 0x400;
const CONFIGURATION: u64 = 0xC00;
const ROUTE: u64 = 0x6000;
const SGI_FRAME: u64 = 0x1_0000;

const PENDING: u64 = 1 << 62;
const ACTIVE: u64 = 1 << 63;

/// A GIC with everything enabled as a driver does it.
fn ready(vcpus: usize) -> Vgic {
    let mut gic = Vgic::new(vcpus);
    let _ = gic.write(Region::Distributor, 0, 4, 0x12);
    for word in 1..=2 {
        let _ = gic.write(Region::Distributor, ENABLE + 4 * word, 4, 0xFFFF_FFFF);
    }
    for vcpu in 0..vcpus {
        let _ = gic.write(Region::Redistributor(vcpu), SGI_FRAME + ENABLE, 4, 0xFFFF_FFFF);
    }
    gic
}

fn fill(gic: &mut Vgic, vcpu: usize) -> Vec<u64> {
    let mut lists = [0; LISTS];
    let used = gic.fill(vcpu, &mut lists);
    lists[..used].to_vec()
}

fn intids(lists: &[u64]) -> Vec<u32> {
    lists.iter().map(|&list| u32::try_from(list & 0xFFFF_FFFF).unwrap()).collect()
}

/// The guest runs once and handles all that it is given, up to the end of interrupt.
fn serve(gic: &mut Vgic, vcpu: usize) -> Vec<u32> {
    let lists = fill(gic, vcpu);
    let served = intids(&lists);
    let ended: Vec<u64> = lists.iter().map(|list| list & !(PENDING | ACTIVE)).collect();
    gic.drain(vcpu, &ended);
    served
}

/// The guest acknowledges the first and leaves it active.
fn acknowledge(gic: &mut Vgic, vcpu: usize) {
    let mut lists = fill(gic, vcpu);
    lists[0] = lists[0] & !PENDING | ACTIVE;
    gic.drain(vcpu, &lists);
}

fn all(vcpus: &[usize]) -> Kick {
    vcpus.iter().fold(Kick::NONE, |kick, &vcpu| kick.and(Kick::one(vcpu)))
}

fn set_edge(gic: &mut Vgic, intid: u32) {
    let (word, shift) = (u64::from(intid / 16 * 4), 2 * (intid % 16));
    let _ = gic.write(Region::Distributor, CONFIGURATION + word, 4, 2 << shift);
}

#[test]
fn a_raised_interrupt_is_served_once() {
    let mut gic = ready(1);
    assert_eq!(gic.raise(0, SPI), Kick::one(0));
    assert!(gic.pending(0));
    assert_eq!(serve(&mut gic, 0), [SPI]);
    assert!(!gic.pending(0));
    assert_eq!(serve(&mut gic, 0), []);
}

#[test]
fn a_list_register_has_the_architected_layout() {
    let mut gic = ready(1);
    let _ = gic.write(Region::Distributor, PRIORITY + u64::from(SPI), 1, 0xA7);
    let _ = gic.raise(0, SPI);
    assert_eq!(fill(&mut gic, 0), [0x50A0_0200_0000_0028], "level: with maintenance at its end");
    let _ = gic.raise(0, 3);
    assert_eq!(fill(&mut gic, 0), [0x5000_0000_0000_0003], "an SGI is an edge");
}

#[test]
fn an_unserved_interrupt_stays_pending() {
    for intid in [2, 27, SPI] {
        let mut gic = ready(1);
        let _ = gic.raise(0, intid);
        for _ in 0..3 {
            let lists = fill(&mut gic, 0);
            assert_eq!(intids(&lists), [intid]);
            assert!(!gic.pending(0), "it is with the guest now");
            gic.drain(0, &lists);
            assert!(gic.pending(0));
        }
    }
}

#[test]
fn what_does_not_fit_comes_later_in_order_of_priority() {
    let mut gic = ready(1);
    for intid in 32..=41_u8 {
        let priority = u64::from(41 - intid) << 3;
        let _ = gic.write(Region::Distributor, PRIORITY + u64::from(intid), 1, priority);
        let _ = gic.raise(0, intid.into());
    }
    assert_eq!(serve(&mut gic, 0), [41, 40, 39, 38]);
    let lists = fill(&mut gic, 0);
    assert_eq!(intids(&lists), [37, 36, 35, 34]);
    assert!(gic.pending(0), "two more, although all list registers are taken");
    gic.drain(0, &lists);
    assert_eq!(serve(&mut gic, 0), [37, 36, 35, 34]);
    assert_eq!(serve(&mut gic, 0), [33, 32]);
}

#[test]
fn edges_coalesce_but_one_after_the_acknowledge_is_another() {
    let mut gic = ready(1);
    let _ = gic.raise(0, 5);
    let _ = gic.raise(0, 5);
    let lists = fill(&mut gic, 0);
    assert_eq!(gic.raise(0, 5), Kick::one(0), "it may be active by now");
    gic.drain(0, &lists);
    assert_eq!(serve(&mut gic, 0), [5]);
    assert!(!gic.pending(0));

    let _ = gic.raise(0, 5);
    acknowledge(&mut gic, 0);
    let _ = gic.raise(0, 5);
    assert!(!gic.pending(0), "not while it is active");
    let lists = fill(&mut gic, 0);
    assert_eq!(lists[0] & (PENDING | ACTIVE), PENDING | ACTIVE);
    gic.drain(0, &[lists[0] & !ACTIVE]);
    assert_eq!(serve(&mut gic, 0), [5]);
}

#[test]
fn a_level_follows_its_line() {
    let mut gic = ready(1);
    assert_eq!(gic.set_level(0, VIRTUAL_TIMER, true), Kick::one(0));
    assert_eq!(serve(&mut gic, 0), [27]);
    assert!(gic.pending(0), "the guest did not silence the timer");
    let _ = gic.set_level(0, VIRTUAL_TIMER, false);
    assert!(!gic.pending(0));

    let _ = gic.set_level(0, VIRTUAL_TIMER, true);
    let lists = fill(&mut gic, 0);
    let _ = gic.set_level(0, VIRTUAL_TIMER, false);
    gic.drain(0, &lists);
    assert!(!gic.pending(0), "silenced before it was acknowledged");
}

#[test]
fn an_active_level_comes_back_only_after_its_end() {
    let mut gic = ready(1);
    let _ = gic.set_level(0, VIRTUAL_TIMER, true);
    acknowledge(&mut gic, 0);
    assert!(!gic.pending(0));
    let lists = fill(&mut gic, 0);
    assert_eq!(lists[0] & (PENDING | ACTIVE), ACTIVE);
    gic.drain(0, &[lists[0] & !ACTIVE]);
    assert!(gic.pending(0));
}

#[test]
fn an_edge_needs_its_line_to_fall_first() {
    let mut gic = ready(1);
    set_edge(&mut gic, SPI);
    let _ = gic.set_level(0, SPI, true);
    assert_eq!(serve(&mut gic, 0), [SPI]);
    let _ = gic.set_level(0, SPI, true);
    assert!(!gic.pending(0));
    let _ = gic.set_level(0, SPI, false);
    let _ = gic.set_level(0, SPI, true);
    assert_eq!(serve(&mut gic, 0), [SPI]);
}

#[test]
fn active_ones_keep_their_list_register() {
    let mut gic = ready(1);
    let _ = gic.write(Region::Distributor, PRIORITY + u64::from(SPI), 1, 0xF8);
    let _ = gic.raise(0, SPI);
    acknowledge(&mut gic, 0);
    for intid in 32..38 {
        let _ = gic.raise(0, intid);
    }
    assert_eq!(intids(&fill(&mut gic, 0)), [SPI, 32, 33, 34]);
}

#[test]
fn masks_hold_an_interrupt_back_and_lose_nothing() {
    let mut gic = ready(1);
    let bit = 1 << (SPI - 32);
    let _ = gic.write(Region::Distributor, DISABLE + 4, 4, bit);
    assert_eq!(gic.raise(0, SPI), Kick::NONE);
    assert!(!gic.pending(0) && fill(&mut gic, 0).is_empty());
    assert_eq!(gic.write(Region::Distributor, ENABLE + 4, 4, bit), Kick::one(0));

    let _ = gic.write(Region::Distributor, 0, 4, 0);
    assert!(!gic.pending(0) && fill(&mut gic, 0).is_empty());
    assert!(gic.write(Region::Distributor, 0, 4, 2).contains(0));
    assert_eq!(serve(&mut gic, 0), [SPI]);
}

#[test]
fn a_disabled_interrupt_that_is_active_is_not_pending_for_the_guest() {
    let mut gic = ready(1);
    let _ = gic.raise(0, 5);
    acknowledge(&mut gic, 0);
    let _ = gic.raise(0, 5);
    let _ = gic.write(Region::Redistributor(0), SGI_FRAME + DISABLE, 4, 1 << 5);
    let lists = fill(&mut gic, 0);
    assert_eq!(lists[0] & (PENDING | ACTIVE), ACTIVE);
    gic.drain(0, &[lists[0] & !ACTIVE]);
    assert!(!gic.pending(0));
    assert_eq!(gic.write(Region::Redistributor(0), SGI_FRAME + ENABLE, 4, 1 << 5), Kick::one(0));
}

#[test]
fn list_registers_that_were_not_filled_are_not_believed() {
    let mut gic = ready(2);
    let _ = gic.raise(0, SPI);
    let lists = fill(&mut gic, 0);
    gic.drain(1, &[lists[0] | ACTIVE]);
    assert_eq!(fill(&mut gic, 1), []);
    gic.drain(0, &lists);
    gic.drain(0, &[lists[0] & !PENDING | ACTIVE]);
    assert_eq!(serve(&mut gic, 0), [SPI]);
}

#[test]
fn what_another_vcpu_takes_back_is_not_delivered_again() {
    let mut gic = ready(2);
    let bit = 1 << (SPI - 32);
    let _ = gic.raise(0, SPI);
    let lists = fill(&mut gic, 0);
    assert_eq!(gic.write(Region::Distributor, CLEAR_PENDING + 4, 4, bit), Kick::one(0));
    gic.drain(0, &lists);
    assert!(!gic.pending(0));

    let _ = gic.raise(0, SPI);
    let lists = fill(&mut gic, 0);
    assert_eq!(gic.write(Region::Distributor, DISABLE + 4, 4, bit), Kick::one(0));
    gic.drain(0, &lists);
    assert!(!gic.pending(0));
    assert_eq!(gic.read(Region::Distributor, SET_PENDING + 4, 4), bit);
}

#[test]
fn sgis_go_where_they_are_sent() {
    let mut gic = ready(3);
    let sgi = |intid: u64, targets: u64| intid << 24 | targets;
    assert_eq!(gic.sgi(0, sgi(7, 0b110)), all(&[1, 2]));
    assert_eq!([0, 1, 2].map(|vcpu| serve(&mut gic, vcpu).len()), [0, 1, 1]);
    assert_eq!(gic.sgi(1, sgi(9, 0) | 1 << 40), all(&[0, 2]));
    assert_eq!(serve(&mut gic, 2), [9]);
    for elsewhere in [1 << 16, 1 << 32, 1 << 44, 1 << 48] {
        assert_eq!(gic.sgi(0, sgi(1, 0xFFFF) | elsewhere), Kick::NONE);
    }
    assert_eq!(gic.sgi(0, sgi(1, 0xFFF8)), Kick::NONE, "there is no vCPU 3");
}

#[test]
fn private_interrupts_are_private_and_shared_ones_are_routed() {
    let mut gic = ready(2);
    assert_eq!(gic.raise(1, 20), Kick::one(1));
    assert!(gic.pending(1) && !gic.pending(0));

    let route = ROUTE + 8 * u64::from(SPI);
    assert_eq!(gic.raise(1, SPI), Kick::one(0));
    assert_eq!(gic.write(Region::Distributor, route, 8, 1), Kick::one(1));
    assert_eq!(gic.read(Region::Distributor, route, 8), 1);
    assert_eq!(intids(&fill(&mut gic, 0)), []);
    assert_eq!(intids(&fill(&mut gic, 1)), [20, SPI]);
}

#[test]
fn an_active_interrupt_stays_with_its_server_when_it_is_routed_elsewhere() {
    let mut gic = ready(2);
    let _ = gic.raise(0, SPI);
    acknowledge(&mut gic, 0);
    let _ = gic.write(Region::Distributor, ROUTE + 8 * u64::from(SPI), 4, 1);
    let _ = gic.raise(0, SPI);
    assert_eq!(intids(&fill(&mut gic, 1)), []);
    assert_eq!(serve(&mut gic, 0), [SPI]);
    assert!(!gic.pending(0));
}

#[test]
fn a_route_to_nobody_delivers_to_nobody_until_it_is_changed() {
    let mut gic = ready(2);
    let route = ROUTE + 8 * u64::from(SPI);
    let _ = gic.write(Region::Distributor, route + 4, 4, 1);
    assert_eq!(gic.read(Region::Distributor, route, 8), 1 << 32);
    assert_eq!(gic.raise(0, SPI), Kick::NONE);
    let _ = gic.write(Region::Distributor, route, 8, 2);
    assert!(!gic.pending(0) && !gic.pending(1));
    assert_eq!(gic.write(Region::Distributor, route, 8, 1 << 31), Kick::one(0));
}

#[test]
fn a_driver_finds_what_it_looks_for() {
    let gic = Vgic::new(2);
    let distributor = |offset| gic.read(Region::Distributor, offset, 4);
    let typer = |vcpu| gic.read(Region::Redistributor(vcpu), 8, 8);
    assert_eq!(distributor(0xFFE8) & 0xF0, 0x30);
    assert_eq!(distributor(4) & 0x1F, 2, "96 interrupts");
    assert_eq!(distributor(0), 0x50, "ARE, DS, nothing enabled");
    assert_eq!(gic.read(Region::Redistributor(1), 0xFFE8, 4) & 0xF0, 0x30);
    assert_eq!([typer(0), typer(1)], [0, 0x1_0000_0110]);
    assert_eq!(gic.read(Region::Redistributor(0), 0x14, 4), 0, "awake");
    assert_eq!(gic.read(Region::Redistributor(0), SGI_FRAME + 0x80, 4), 0xFFFF_FFFF);
    assert_eq!(gic.read(Region::Redistributor(0), SGI_FRAME + CONFIGURATION, 4), 0xAAAA_AAAA);
}

#[test]
fn narrow_and_wide_accesses_agree() {
    let mut gic = ready(1);
    let offset = PRIORITY + u64::from(SPI);
    let _ = gic.write(Region::Distributor, offset, 4, 0x4030_2010);
    let _ = gic.write(Region::Distributor, offset + 2, 1, 0x88);
    let _ = gic.write(Region::Distributor, offset, 2, 0x5060);
    assert_eq!(gic.read(Region::Distributor, offset, 4), 0x4088_5060);
    assert_eq!(gic.read(Region::Distributor, offset + 2, 1), 0x88);
    assert_eq!(gic.read(Region::Distributor, offset, 8), 0x4088_5060);
    let _ = gic.write(Region::Redistributor(0), SGI_FRAME + CONFIGURATION, 4, 0);
    assert_eq!(
        gic.read(Region::Redistributor(0), SGI_FRAME + CONFIGURATION, 4),
        0xAAAA_AAAA,
        "SGIs stay edges"
    );
}

#[test]
fn private_words_are_not_in_the_distributor_and_shared_ones_not_in_a_redistributor() {
    let mut gic = ready(1);
    let _ = gic.write(Region::Distributor, SET_PENDING, 4, 0xFFFF_FFFF);
    let _ = gic.write(Region::Redistributor(0), SGI_FRAME + SET_PENDING + 4, 4, 0xFFFF_FFFF);
    let _ = gic.write(Region::Redistributor(0), SET_PENDING, 4, 0xFFFF_FFFF);
    assert!(!gic.pending(0));
    assert_eq!(gic.read(Region::Distributor, ENABLE, 4), 0);
}

#[test]
fn addresses_find_their_region() {
    let at = |address| Region::at(address, 2);
    assert_eq!(at(0x0800_0004), Some((Region::Distributor, 4)));
    assert_eq!(at(0x0801_0000), None);
    assert_eq!(at(0x080A_0008), Some((Region::Redistributor(0), 8)));
    assert_eq!(at(0x080D_0100), Some((Region::Redistributor(1), 0x1_0100)));
    assert_eq!(at(0x080E_0000), None);
    assert_eq!((at(0), at(u64::MAX)), (None, None));
}

/// Any access, any interrupt number, any list register: no panic, and never more than what exists.
#[test]
fn hostile_input_is_survived() {
    let mut gic = ready(4);
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for _ in 0..50_000 {
        let value = random();
        let vcpu = usize::try_from(random() % 6).unwrap();
        let region = if value & 1 == 0 { Region::Distributor } else { Region::Redistributor(vcpu) };
        let offset = if value & 0xFE == 0 { random() } else { random() % 0x2_0000 };
        let size = usize::try_from(random() % 10).unwrap();
        let _ = gic.write(region, offset, size, random());
        let _ = gic.read(region, offset, size);
        let _ = gic.sgi(vcpu, random());
        let _ = gic.raise(vcpu, low_half(random()) % 128);
        let lists = fill(&mut gic, vcpu);
        assert!(intids(&lists).iter().all(|&intid| intid < INTERRUPTS));
        gic.drain(vcpu, &[random(), u64::MAX, 0]);
        gic.drain(vcpu, &lists);
    }
}

fn low_half(value: u64) -> u32 {
    u32::try_from(value >> 32).unwrap()
}

/// Whatever order raises, entries and exits come in, each interrupt is served after its last raise.
#[test]
fn nothing_is_lost() {
    let mut gic = ready(2);
    let mut expected = [[false; 96]; 2];
    for step in 0..50_000_usize {
        let (vcpu, intid) = (step * 7 % 2, step * step * 31 % 96);
        let handler = if intid < 32 { vcpu } else { 0 };
        let _ = gic.raise(vcpu, u32::try_from(intid).unwrap());
        expected[handler][intid] = true;
        let lists = fill(&mut gic, handler);
        let ends = step % 3;
        let after: Vec<u64> = lists
            .iter()
            .enumerate()
            .map(|(index, list)| if index < ends { list & !(PENDING | ACTIVE) } else { *list })
            .collect();
        for &list in &lists[..ends.min(lists.len())] {
            expected[handler][usize::try_from(list & 0xFF).unwrap()] = false;
        }
        gic.drain(handler, &after);
    }
    for (vcpu, expected) in expected.iter_mut().enumerate() {
        while gic.pending(vcpu) {
            for intid in serve(&mut gic, vcpu) {
                assert!(std::mem::take(&mut expected[intid as usize]), "{intid} twice");
            }
        }
    }
    assert_eq!(expected, [[false; 96]; 2]);
}
