//! The parts of each topic, as they are at this moment.

use loa_protocol::ids::{BulletinId, NodeId};
use loa_protocol::time::UnixMs;

use super::Feed;
use super::topic::Topic;
use crate::pages::views::{
    AlertDecide, AlertWave, AlertsList, BulletinDecide, BulletinHistory, BulletinPage, BulletinPlan,
    BulletinStateTag, BulletinTracks, BulletinsList, DecisionForm, HeardList, NodeCells, NodeState,
    NodesCounts, OccurrenceHeard, OrdersList, TodayAlerts, TodaySilent, TodaySounding, TodayWaiting,
    TrackProgress, WaitingCount, event,
};
use crate::services::ServiceError;
use crate::site::bulletins::{detail, list};
use crate::site::nodes::list::{Known, counts};
use crate::site::places::Places;
use crate::site::today::Today;
use crate::site::{alerts, heard, orders, program, shell};

impl Feed {
    /// Puts the parts of a topic in line. Gives when the hour alone changes them next, if that is known.
    pub(super) async fn show(
        &mut self,
        topic: &Topic,
        places: &Places,
    ) -> Result<Option<UnixMs>, ServiceError> {
        match topic {
            Topic::Waiting => self.waiting().await?,
            Topic::Today => return self.today(places).await,
            Topic::Bulletins => self.bulletins(places).await?,
            Topic::Bulletin(id) => self.bulletin(id).await?,
            Topic::Nodes => self.nodes(places).await?,
            Topic::Node(id) => self.node(places, id).await?,
            Topic::Heard => return self.heard(places).await,
            Topic::Alerts => {
                let (alerts, next_over) = alerts::latest(&self.site, &self.me, places).await?;
                self.put(event::ALERTS_LIST, &AlertsList { lang: self.me.lang(), alerts });
                return Ok(next_over);
            }
            Topic::Alert(id) => {
                let (lang, csrf) = (self.me.lang(), self.me.reader.token());
                let (detail, decide, wave) = alerts::of(&self.site, &self.me, places, id).await?;
                self.put(&event::alert_wave(id.as_str()), &AlertWave { lang, wave });
                self.put(&event::alert_decide(id.as_str()), &AlertDecide { lang, csrf, decide });
                let over = UnixMs(detail.expires.timestamp_millis());
                return Ok(Some(over).filter(|at| *at > self.site.app.services.clock().now()));
            }
            Topic::Orders => {
                let orders = orders::latest(&self.site, &self.me, places).await?;
                self.put(event::ORDERS_LIST, &OrdersList { lang: self.me.lang(), orders });
            }
        }
        Ok(None)
    }

    async fn waiting(&mut self) -> Result<(), ServiceError> {
        let waiting_count = shell::waiting_count(&self.site, self.me.who()).await?;
        self.put(event::WAITING_COUNT, &WaitingCount { lang: self.me.lang(), waiting_count });
        Ok(())
    }

    async fn today(&mut self, places: &Places) -> Result<Option<UnixMs>, ServiceError> {
        let lang = self.me.lang();
        let today = Today::read(&self.site, &self.me, places).await?;
        self.put(event::TODAY_ALERTS, &TodayAlerts { lang, alerts: today.alerts });
        self.put(event::TODAY_SOUNDING, &TodaySounding { lang, sounding: today.sounding });
        self.put(event::TODAY_WAITING, &TodayWaiting { lang, waiting: today.waiting });
        let (nodes_all, nodes_online) = (today.nodes_all, today.nodes_online);
        let silent = TodaySilent { lang, silent: today.silent, nodes_all, nodes_online };
        self.put(event::TODAY_SILENT, &silent);
        Ok(today.turns)
    }

    async fn bulletins(&mut self, places: &Places) -> Result<(), ServiceError> {
        let list = list::read(&self.site, &self.me, places, &self.asked).await?;
        let part = BulletinsList {
            lang: self.me.lang(),
            can_compose: shell::can(self.me.who()).compose,
            filter: list.filter,
            rows: list.rows,
            pager: list.pager,
        };
        self.put(event::BULLETINS_LIST, &part);
        Ok(())
    }

    async fn bulletin(&mut self, id: &BulletinId) -> Result<(), ServiceError> {
        let lang = self.me.lang();
        let view = self.site.app.services.bulletins.get(self.me.who(), id).await?;
        let page = detail::view_of(&self.site, &self.me, &view, DecisionForm::default(), None).await?;
        let BulletinPage {
            bulletin, tracks, earlier, actions, decision, add_track, schedules, history, ..
        } = page;
        let (id, csrf) = (bulletin.id.clone(), self.me.reader.token());
        let outdated = self.asked.one("words") != bulletin.seen_words;
        self.put(&event::bulletin_state(&id), &BulletinStateTag { lang, state: bulletin.state });
        self.put(&event::bulletin_history(&id), &BulletinHistory { lang, history });
        if !outdated {
            let ids: Vec<&str> = tracks.iter().map(|track| track.id.as_str()).collect();
            let key = (ids, actions.add_track, bulletin.seen_words.clone(), earlier.clone());
            let list = BulletinTracks {
                lang,
                csrf: csrf.clone(),
                bulletin: bulletin.clone(),
                tracks: tracks.clone(),
                earlier,
                actions: actions.clone(),
                add_track,
            };
            self.put_list(&event::bulletin_tracks(&id), key, &list);
            for track in tracks {
                let name = event::track(&track.id);
                let (csrf, bulletin) = (csrf.clone(), bulletin.clone());
                self.put(&name, &TrackProgress { lang, csrf, bulletin, track });
            }
            let (bulletin, actions) = (bulletin.clone(), actions.clone());
            self.put(&event::bulletin_plan(&id), &BulletinPlan { lang, bulletin, actions, schedules });
        }
        // Last: what can be decided on is on the page before the buttons are.
        let decide = BulletinDecide { lang, csrf, bulletin, actions, decision, outdated };
        self.put(&event::bulletin_decide(&id), &decide);
        Ok(())
    }

    async fn nodes(&mut self, places: &Places) -> Result<(), ServiceError> {
        let lang = self.me.lang();
        let nodes = self.site.app.services.nodes.list(self.me.who()).await?;
        let known = Known::read(&self.site, &self.me).await?;
        self.put(event::NODES_COUNTS, &NodesCounts { lang, counts: counts(&nodes) });
        for (node, status) in &nodes {
            let cells = NodeCells { lang, node: known.row(places, node, status) };
            self.put(&event::node(node.id.as_str()), &cells);
        }
        Ok(())
    }

    async fn node(&mut self, places: &Places, id: &NodeId) -> Result<(), ServiceError> {
        let lang = self.me.lang();
        let (node, status) = self.site.app.services.nodes.get(self.me.who(), id).await?;
        let known = Known::of(&self.site, &self.me, id).await?;
        let state = NodeState { lang, node: known.row(places, &node, &status) };
        self.put(&event::node_detail(id.as_str()), &state);
        Ok(())
    }

    async fn heard(&mut self, places: &Places) -> Result<Option<UnixMs>, ServiceError> {
        let lang = self.me.lang();
        let list = heard::list(&self.site, &self.me, places, &self.asked).await?;
        let part = HeardList { lang, filter: list.filter, occurrences: list.occurrences, pager: list.pager };
        let ids: Vec<&str> = part.occurrences.iter().map(|occurrence| occurrence.id.as_str()).collect();
        self.put_list(event::HEARD_LIST, (ids, &part.pager), &part);
        for occurrence in part.occurrences {
            let name = event::heard(&occurrence.id);
            self.put(&name, &OccurrenceHeard { lang, occurrence });
        }
        let schedules = program::schedules(&self.site, &self.me).await?;
        Ok(program::next_start(&schedules, self.site.app.services.clock().now()))
    }
}
