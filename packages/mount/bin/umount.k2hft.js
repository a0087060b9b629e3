#!/usr/bin/env node
import '../dist/src/umount-helper-main.js';
