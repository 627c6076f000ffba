//! What one window holds.

/// The transactions of one user in (t - width, t], the current one included; amounts in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub count: u64,
    pub total: u128,
    pub squares: u128,
    /// The greatest amount.
    pub peak: u64,
    /// Different known merchants, devices, countries.
    pub merchants: u64,
    pub devices: u64,
    pub countries: u64,
}

/// The three windows that end with one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    pub five_minutes: Window,
    pub hour: Window,
    pub day: Window,
}
