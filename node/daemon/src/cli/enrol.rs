//! `loa-node enrol`.

use anyhow::Context as _;
use loa_node::clock::{NodeClock, build_time};
use loa_node::config::Settings;

pub(super) fn enrol(settings: &Settings, token: &str, again: bool) -> anyhow::Result<()> {
    let token = match token {
        // A token on the command line is seen by every user of the board while the command runs.
        "-" => {
            std::io::read_to_string(std::io::stdin()).context("cannot read the token from standard input")?
        }
        token => token.to_owned(),
    };
    let clock = NodeClock::new(build_time());
    let identity = loa_node::enrol::enrol(&settings.data_dir, &token, again, &clock)?;
    println!("Đã ghi danh: bo mạch này là cụm loa {}. Khởi động bằng lệnh `loa-node run`.", identity.node);
    println!("Enrolled: this board is node {}. Start it with `loa-node run`.", identity.node);
    Ok(())
}
