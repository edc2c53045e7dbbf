// htmx first: its extensions look for it as a global, which importing it sets.
import "htmx.org";
import "htmx.org/dist/ext/hx-sse.js";
