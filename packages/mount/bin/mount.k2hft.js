#!/usr/bin/env node
import '../dist/src/mount-helper-main.js';
