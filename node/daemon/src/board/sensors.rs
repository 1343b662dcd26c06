//! What the kernel measures, found in sysfs wherever the board's drivers put it.

use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A reading beyond these is a sensor that is not connected (in thousandths of a degree).
const PLAUSIBLE_MILLIDEGREES: std::ops::RangeInclusive<i32> = -55_000..=150_000;

/// Reads sysfs anew each time: drivers come and go.
#[derive(Clone, Debug)]
pub struct Sensors {
    sysfs: PathBuf,
}

impl Sensors {
    /// With sysfs mounted at `sysfs`, which is `/sys` anywhere but in a test.
    #[must_use]
    pub fn new(sysfs: PathBuf) -> Self {
        Self { sysfs }
    }

    /// The hottest of the thermal zones, or else of the hardware monitors, in tenths of a degree Celsius.
    #[must_use]
    pub fn temperature_decidegrees(&self) -> Option<i32> {
        let zones = self.class("thermal").into_iter().map(|zone| zone.join("temp"));
        let monitors = self.class("hwmon").into_iter().flat_map(|monitor| {
            children(&monitor).into_iter().filter(|path| {
                file_name(path).is_some_and(|name| name.starts_with("temp") && name.ends_with("_input"))
            })
        });
        hottest(zones).or_else(|| hottest(monitors)).map(|millidegrees| (millidegrees + 50).div_euclid(100))
    }

    /// The supply voltage in millivolts: of the external supply that is connected, or else of the battery, or else at
    /// a current and voltage monitor (the INA2xx family, as on many carrier boards).
    #[must_use]
    pub fn supply_mv(&self) -> Option<u32> {
        let supplies = self.class("power_supply");
        let external = supplies.iter().filter(|supply| !is_battery(supply));
        let battery = supplies.iter().filter(|supply| is_battery(supply));
        external
            .filter(|supply| number::<u32>(&supply.join("online")) != Some(0))
            .chain(battery)
            .find_map(|supply| number::<u32>(&supply.join("voltage_now")))
            .map(|microvolts| microvolts / 1000)
            .or_else(|| self.monitored_mv())
    }

    fn monitored_mv(&self) -> Option<u32> {
        self.class("hwmon")
            .iter()
            .filter(|monitor| text(&monitor.join("name")).is_some_and(|name| name.starts_with("ina2")))
            // The bus voltage; in0 is the drop at the shunt (Documentation/hwmon/ina2xx.rst).
            .find_map(|monitor| number(&monitor.join("in1_input")))
    }

    /// The devices of a class, sorted by name so that the same one is found each time.
    fn class(&self, name: &str) -> Vec<PathBuf> {
        children(&self.sysfs.join("class").join(name))
    }
}

fn hottest(files: impl Iterator<Item = PathBuf>) -> Option<i32> {
    files.filter_map(|file| number::<i32>(&file)).filter(|value| PLAUSIBLE_MILLIDEGREES.contains(value)).max()
}

fn is_battery(supply: &Path) -> bool {
    text(&supply.join("type")).is_some_and(|kind| kind == "Battery")
}

/// Empty where there is no such folder, which is how sysfs says that there are no such devices.
fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// `None` for what is not there, and for what cannot be read at the moment (a sensor that is asleep says EAGAIN).
fn text(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn number<T: FromStr>(path: &Path) -> Option<T> {
    text(path)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Sensors) {
        let dir = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = dir.path().join("class").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("{content}\n")).unwrap();
        }
        let sensors = Sensors::new(dir.path().to_owned());
        (dir, sensors)
    }

    #[test]
    fn the_hottest_plausible_zone_counts() {
        let (_dir, sensors) = tree(&[
            ("thermal/thermal_zone0/temp", "48312"),
            ("thermal/thermal_zone1/temp", "51250"),
            ("thermal/thermal_zone2/temp", "-273000"),
            ("thermal/cooling_device0/type", "fan"),
            ("hwmon/hwmon0/temp1_input", "90000"),
        ]);
        assert_eq!(sensors.temperature_decidegrees(), Some(513));
    }

    #[test]
    fn hardware_monitors_stand_in_for_absent_zones() {
        let (_dir, sensors) = tree(&[
            ("hwmon/hwmon0/temp1_input", "-1240"),
            ("hwmon/hwmon0/temp2_input", "nonsense"),
            ("hwmon/hwmon0/temp1_max", "80000"),
        ]);
        assert_eq!(sensors.temperature_decidegrees(), Some(-12));
    }

    #[test]
    fn the_connected_supply_comes_before_the_battery() {
        let files = [
            ("power_supply/axp20x-ac/type", "Mains"),
            ("power_supply/axp20x-ac/online", "1"),
            ("power_supply/axp20x-ac/voltage_now", "5012400"),
            ("power_supply/axp20x-battery/type", "Battery"),
            ("power_supply/axp20x-battery/voltage_now", "3790000"),
        ];
        let (dir, sensors) = tree(&files);
        assert_eq!(sensors.supply_mv(), Some(5_012));
        std::fs::write(dir.path().join("class/power_supply/axp20x-ac/online"), "0\n").unwrap();
        assert_eq!(sensors.supply_mv(), Some(3_790));
    }

    #[test]
    fn a_voltage_monitor_serves_where_there_is_no_supply_driver() {
        let (_dir, sensors) = tree(&[
            ("hwmon/hwmon0/name", "nvme"),
            ("hwmon/hwmon0/in1_input", "3300"),
            ("hwmon/hwmon1/name", "ina226"),
            ("hwmon/hwmon1/in0_input", "4"),
            ("hwmon/hwmon1/in1_input", "11875"),
        ]);
        assert_eq!(sensors.supply_mv(), Some(11_875));
    }
}
