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

/// What a row's leaf adds, by node; that of splits is not used.
#[derive(Debug)]
pub enum Leaves {
    One(Vec<Leaf>),
    /// Where each node's items lie, from and until.
    Several {
        spans: Vec<(u32, u32)>,
        items: Vec<Leaf>,
    },
}

#[derive(Debug)]
pub struct Forest {
    splits: Vec<Split>,
    leaves: Leaves,
    groups: Vec<Group>,
    base: Vec<f32>,
}

impl Forest {
    /// The first node is a leaf that adds nothing. `base`: a value a target.
    pub fn new(splits: Vec<Split>, leaves: Leaves, mut trees: Vec<Tree>, base: Vec<f32>) -> Self {
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
            match &self.leaves {
                Leaves::One(leaves) => {
                    for node in nodes {
                        let Leaf { weight, target } = leaves[node as usize];
                        sums[target as usize] += weight;
                    }
                }
                Leaves::Several { spans, items } => {
                    for node in nodes {
                        let (from, until) = spans[node as usize];
                        for Leaf { weight, target } in &items[from as usize..until as usize] {
                            sums[*target as usize] += weight;
                        }
                    }
                }
            }
        }
        for (sum, base) in sums.iter_mut().zip(&self.base) {
            *sum += base;
        }
    }
}
