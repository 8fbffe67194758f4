//! Latency of each question and contender by the number of partitions.
//!
//! Groups run one after the other: for ratios use the program `ratios`, which takes turns.

#![expect(missing_docs, reason = "criterion's macro makes a public function")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ffa_abi::{Version, partition_descriptor_size};
use ffa_benches::{Contender, Contest};

const SIZES: [u16; 5] = [1, 8, 64, 512, 2730];
const VERSIONS: [Version; 3] = [Version::V1_0, Version::V1_1, Version::V1_2];

fn measure(
    criterion: &mut Criterion,
    group: &str,
    seen: u16,
    bytes: usize,
    of: Vec<Contender<'_>>,
) {
    let mut group = criterion.benchmark_group(group);
    if bytes > 0 {
        group.throughput(Throughput::Bytes(bytes as u64));
    }
    for mut contender in of {
        let id = BenchmarkId::new(contender.name, seen);
        group.bench_function(id, |bencher| bencher.iter_custom(|times| contender.time(times)));
    }
    group.finish();
}

fn lists(criterion: &mut Criterion) {
    for version in VERSIONS {
        for seen in SIZES {
            let contest = Contest::new(seen, version);
            let bytes = usize::from(seen) * partition_descriptor_size(version);
            measure(criterion, &format!("list {version}"), seen, bytes, contest.list());
        }
    }
}

fn single_answers(criterion: &mut Criterion) {
    for seen in SIZES {
        let contest = Contest::new(seen, Version::V1_2);
        measure(criterion, "count", seen, 0, contest.count());
        measure(criterion, "registers", seen, 0, contest.registers(0));
        measure(criterion, "registers from the middle", seen, 0, contest.registers(seen / 2));
        measure(criterion, "lookup", seen, 0, contest.lookup());
        measure(criterion, "id", seen, 0, contest.id_get());
    }
}

criterion_group!(benches, lists, single_answers);
criterion_main!(benches);
