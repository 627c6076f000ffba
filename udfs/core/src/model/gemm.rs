//! Products of a row with a matrix of constants.

/// So many columns are computed at a time.
const LANES: usize = 16;

/// row [inputs] times weights [inputs, outputs]. Each sum adds its products one by one, in the order of the inputs; the sum of
/// a single output is that of LANES partial sums.
#[derive(Debug)]
pub struct Weights {
    inputs: usize,
    outputs: usize,
    /// By block of LANES columns, and in it by input; for one output by LANES inputs.
    blocks: Vec<[f32; LANES]>,
}

impl Weights {
    /// `values` are row by row. None if they are not inputs x outputs.
    pub fn new(inputs: usize, outputs: usize, values: &[f32]) -> Option<Self> {
        if inputs == 0 || outputs == 0 || values.len() != inputs.checked_mul(outputs)? {
            return None;
        }
        let blocks = if outputs == 1 {
            values.chunks(LANES).map(padded).collect()
        } else {
            let block = |first: usize| {
                let line = move |line: &[f32]| padded(&line[first..outputs.min(first + LANES)]);
                values.chunks_exact(outputs).map(line)
            };
            (0..outputs).step_by(LANES).flat_map(block).collect()
        };
        Some(Self { inputs, outputs, blocks })
    }

    pub fn inputs(&self) -> usize {
        self.inputs
    }

    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Add the product to what `sums` [outputs] starts from.
    #[inline(always)]
    pub fn add_product(&self, row: &[f32], sums: &mut [f32]) {
        if let [sum] = sums {
            *sum += self.dot(row);
            return;
        }
        for (sums, weights) in sums.chunks_mut(LANES).zip(self.blocks.chunks_exact(self.inputs)) {
            let mut lanes = padded(sums);
            for (value, weights) in row.iter().zip(weights) {
                for (sum, weight) in lanes.iter_mut().zip(weights) {
                    *sum += value * weight;
                }
            }
            sums.copy_from_slice(&lanes[..sums.len()]);
        }
    }

    #[inline(always)]
    fn dot(&self, row: &[f32]) -> f32 {
        let mut lanes = [0.0; LANES];
        let (whole, rest) = row.as_chunks::<LANES>();
        let rest = (!rest.is_empty()).then(|| padded(rest));
        for (values, weights) in whole.iter().chain(&rest).zip(&self.blocks) {
            for ((sum, value), weight) in lanes.iter_mut().zip(values).zip(weights) {
                *sum += value * weight;
            }
        }
        lanes.iter().sum()
    }
}

fn padded(values: &[f32]) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    lanes[..values.len()].copy_from_slice(values);
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(row: &[f32], weights: &[f32], outputs: usize, start: f32) -> Vec<f64> {
        let of = |output: usize| {
            let products = row
                .iter()
                .enumerate()
                .map(|(input, value)| f64::from(*value) * f64::from(weights[input * outputs + output]));
            f64::from(start) + products.sum::<f64>()
        };
        (0..outputs).map(of).collect()
    }

    #[test]
    fn products_of_all_sizes_around_the_lanes() {
        for inputs in [1, 2, 15, 16, 17, 33] {
            for outputs in [1, 2, 15, 16, 17, 40] {
                let row: Vec<f32> = (0..inputs).map(|place| (place as f32 - 3.5) * 0.25).collect();
                let values: Vec<f32> =
                    (0..inputs * outputs).map(|place| ((place * 7 % 31) as f32 - 15.0) * 0.125).collect();
                let weights = Weights::new(inputs, outputs, &values).unwrap();
                let mut sums = vec![2.5; outputs];
                weights.add_product(&row, &mut sums);
                let sums: Vec<f64> = sums.into_iter().map(f64::from).collect();
                assert_eq!(sums, expected(&row, &values, outputs, 2.5), "{inputs} x {outputs}");
            }
        }
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        assert!(Weights::new(2, 3, &[0.0; 5]).is_none());
        assert!(Weights::new(0, 3, &[]).is_none());
        assert!(Weights::new(usize::MAX, 2, &[0.0; 2]).is_none());
    }
}
