// What the pages do beyond plain forms and links. Everything here is an extra: each page works without it.

import "htmx.org";
import "htmx-ext-sse";
import { copyButtons } from "./copy.js";
import { countText } from "./count.js";
import { sayDates } from "./dates.js";
import { keepDrafts } from "./drafts.js";
import { showFindings } from "./findings.js";
import { guardForms } from "./forms.js";
import { insertButtons } from "./insert.js";
import { liveParts } from "./live.js";
import { orderedLists } from "./order.js";
import { recorder } from "./recorder/index.js";
import { targetTree } from "./tree.js";
import { closeUnfolded } from "./unfold.js";

copyButtons(document);
countText(document);
keepDrafts(document);
recorder(document);
showFindings(document);
guardForms(document);
insertButtons(document);
liveParts(document);
orderedLists(document);
sayDates(document);
targetTree(document);
closeUnfolded(document);
