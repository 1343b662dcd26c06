//! `loa-node status`: what the node holds, read from the disk. It works while the daemon runs, and while it does not.

use loa_node::cache::{self, free_bytes};
use loa_node::clock::SyncView;
use loa_node::clock::trust::Policy;
use loa_node::config::Settings;
use loa_node::identity::Identity;
use loa_node::store::Store;
use loa_node_core::Slot;

pub(super) async fn status(settings: &Settings) -> anyhow::Result<()> {
    let identity = Identity::load(&settings.data_dir)?;
    println!("Cụm loa / node        {} ({})", identity.node, identity.tenant);
    println!("Máy chủ / broker      {}:{}", identity.broker_host, identity.broker_port);
    println!("Đồng hồ / clock       {}", clock(settings.clock.trust, SyncView::of_system()));
    if !Store::path(&settings.data_dir).exists() {
        println!("Chưa chạy lần nào / never started");
        return Ok(());
    }
    let mut store = Store::open_to_read(&settings.data_dir).await?;
    let about = store.overview().await?;
    println!("Số lần khởi động / boots  {}", about.boots);
    if let Some(at) = about.kept_clock {
        println!("Đồng hồ ghi lần cuối / clock last kept  {at}");
    }
    println!("Văn bản đang áp dụng / documents applied");
    if about.documents.is_empty() {
        println!("  chưa có / none");
    }
    for (slot, document) in &about.documents {
        println!(
            "  {:<28} {} · {} · {}",
            slot_name(slot),
            document.applied.sequence,
            document.applied.digest,
            document.applied_at
        );
    }
    let contents = cache::contents(&settings.data_dir)?;
    println!("Âm thanh / audio");
    println!(
        "  đủ / whole {} ({} KiB) · đang tải / fetching {} · còn trống / free {} MiB",
        contents.whole,
        contents.whole_bytes / 1024,
        contents.partial,
        free_bytes(&settings.data_dir)? / (1024 * 1024)
    );
    println!("Biên nhận chờ gửi / receipts waiting  {}", about.receipts_waiting);
    Ok(())
}

fn clock(policy: Policy, view: SyncView) -> &'static str {
    match (view.is_synchronised, policy) {
        (_, Policy::Controller) => "theo máy chủ / the controller tells the time",
        (true, _) => "đã đồng bộ / synchronised",
        (false, Policy::System) => "tin theo hệ thống / the system's is believed",
        (false, Policy::Synchronised) => {
            "chưa đồng bộ; khi có kết nối thì lấy giờ của máy chủ, hoặc hãy bật dịch vụ giờ (systemd-timesyncd, ntpd, hoặc chrony với \
             `rtcsync`) / not synchronised; while connected the controller tells the time, or start a time service \
             (systemd-timesyncd, ntpd, or chrony with `rtcsync`)"
        }
    }
}

fn slot_name(slot: &Slot) -> String {
    match slot {
        Slot::Keys => "khóa / keys".to_owned(),
        Slot::Node => "cụm loa / node".to_owned(),
        Slot::Plan(area) => format!("kế hoạch / plan {area}"),
        Slot::Alert(area) => format!("khẩn cấp / alerts {area}"),
        Slot::Command(None) => "lệnh / command".to_owned(),
        Slot::Command(Some(area)) => format!("lệnh / command {area}"),
    }
}
