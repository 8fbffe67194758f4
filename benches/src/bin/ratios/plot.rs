//! The plot of the lists.

use std::error::Error;
use std::path::Path;

use ffa_abi::Version;
use ffa_benches::names::{MEDIATOR, MEMCPY, RWLOCK, SCATTERED};
use plotters::prelude::*;

use crate::origin::Origin;
use crate::results::{Question, Results};

const SIZE: (u32, u32) = (900, 560);

/// Contenders with colours that also differ in brightness.
const LINES: [(&str, RGBColor); 4] = [
    (SCATTERED, RGBColor(0xd5, 0x5e, 0x00)),
    (RWLOCK, RGBColor(0xe6, 0x9f, 0x00)),
    (MEDIATOR, RGBColor(0x00, 0x72, 0xb2)),
    (MEMCPY, RGBColor(0x55, 0x55, 0x55)),
];

/// Draws the time of a list against its length into the file at `path`.
pub(crate) fn draw(path: &Path, results: &Results, origin: &Origin) -> Result<(), String> {
    try_draw(path, results, origin).map_err(|error| format!("{}: {error}", path.display()))
}

fn try_draw(path: &Path, results: &Results, origin: &Origin) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let area = area
        .titled(&format!("FFA_PARTITION_INFO_GET, caller of 1.2: {origin}"), ("sans-serif", 13))?;
    let mut chart = ChartBuilder::on(&area)
        .margin(14)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d((1_f64..4000_f64).log_scale(), (1_f64..30_000_f64).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("partitions in the list")
        .y_desc("nanoseconds")
        .x_label_formatter(&|partitions| format!("{partitions:.0}"))
        .y_label_formatter(&|time| format!("{time:.0}"))
        .draw()?;
    for (name, color) in LINES {
        let points = points(results, name);
        let line = LineSeries::new(points, color.stroke_width(2)).point_size(3);
        let legend = move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2));
        chart.draw_series(line)?.label(name).legend(legend);
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    Ok(())
}

fn points(results: &Results, name: &str) -> Vec<(f64, f64)> {
    let lists = results.of(Question::List(Version::V1_2));
    lists
        .filter_map(|list| Some((f64::from(list.seen), list.times(name)?.spread().median)))
        .collect()
}
