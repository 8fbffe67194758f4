//! Latency of each question and contender by the number of partitions.
//!
//! Groups run one after the other: for ratios use the program `targets`, which takes turns.

#![expect(missing_docs, reason = "criterion's macro makes a public function")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ffa_abi::{Version, partition_descriptor_size};
use ffa_benches::{Contest, Question};

const SIZES: [u16; 5] = [1, 8, 64, 512, 2730];
const VERSIONS: [Version; 3] = [Version::V1_0, Version::V1_1, Version::V1_2];

fn measure(
    criterion: &mut Criterion,
    group: &str,
    seen: u16,
    bytes: usize,
    (contest, question): (&Contest, Question),
) {
    let mut group = criterion.benchmark_group(group);
    if bytes > 0 {
        group.throughput(Throughput::Bytes(bytes as u64));
    }
    for mut contender in contest.contenders(question) {
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
            let list = (&contest, Question::List);
            measure(criterion, &format!("list {version}"), seen, bytes, list);
        }
    }
}

fn single_answers(criterion: &mut Criterion) {
    for seen in SIZES {
        let contest = Contest::new(seen, Version::V1_2);
        for (name, question) in [
            ("count", Question::Count),
            ("registers", Question::Registers),
            ("registers from the middle", Question::RegistersFromMiddle),
            ("lookup", Question::Lookup),
            ("two changes", Question::Changes),
        ] {
            measure(criterion, name, seen, 0, (&contest, question));
        }
    }
}

criterion_group!(benches, lists, single_answers);
criterion_main!(benches);
