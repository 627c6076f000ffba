//! Sums over an ensemble of trees.

/// Trees are walked so many at a time: their loads from memory overlap.
const TREES: usize = 8;

#[derive(Clone, Copy, Debug)]
pub struct Split {
    pub threshold: f32,
    pub column: u32,
    /// The node for a value below the threshold, and for any other, NaN included. A leaf leads to itself.
    pub children: [u32; 2],
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Leaf {
    pub weight: f32,
    pub target: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct Tree {
    pub root: u32,
    pub depth: u32,
}

#[derive(Debug)]
struct Group {
    roots: [u32; TREES],
    depth: u32,
}

#[derive(Debug)]
pub struct Forest {
    splits: Vec<Split>,
    /// By node; those of splits are not used.
    leaves: Vec<Leaf>,
    groups: Vec<Group>,
    base: Vec<f32>,
}

impl Forest {
    /// `splits` and `leaves` are by node, and the first node is a leaf that adds nothing. `base`: a value a target.
    pub fn new(splits: Vec<Split>, leaves: Vec<Leaf>, mut trees: Vec<Tree>, base: Vec<f32>) -> Self {
        // Trees of one depth are walked together.
        trees.sort_by_key(|tree| tree.depth);
        let group = |trees: &[Tree]| {
            let mut roots = [0; TREES];
            for (root, tree) in roots.iter_mut().zip(trees) {
                *root = tree.root;
            }
            Group { roots, depth: trees.iter().map(|tree| tree.depth).max().unwrap_or(0) }
        };
        let groups = trees.chunks(TREES).map(group).collect();
        Self { splits, leaves, groups, base }
    }

    pub fn targets(&self) -> usize {
        self.base.len()
    }

    /// The sums of the row's leaves, a value a target.
    #[inline(always)]
    pub fn sum(&self, row: &[f32], sums: &mut [f32]) {
        sums.fill(0.0);
        for group in &self.groups {
            let mut nodes = group.roots;
            for _ in 0..group.depth {
                for node in &mut nodes {
                    let split = &self.splits[*node as usize];
                    let is_below = row[split.column as usize] < split.threshold;
                    *node = split.children[usize::from(!is_below)];
                }
            }
            for node in nodes {
                let Leaf { weight, target } = self.leaves[node as usize];
                sums[target as usize] += weight;
            }
        }
        for (sum, base) in sums.iter_mut().zip(&self.base) {
            *sum += base;
        }
    }
}
