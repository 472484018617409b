import { render } from "preact";

import { preferredLanguage, setLanguage } from "../ui/i18n";
import "../ui/style.css";
import { App } from "./App";

const root = document.getElementById("app");
if (root) void setLanguage(preferredLanguage()).then(() => render(<App />, root));
