import './styles/base.css';
import './styles/app.css';
import './styles/landing.css';
import './styles/list.css';
import './styles/overview.css';
import './styles/filter.css';
import './detail/detail.js';
import './connection/connection.js';
import './findings/findings.js';
import './help/help.js';
import './app/app.js';

import { applyTheme } from './app/theme.js';

applyTheme();
