/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one line to stderr, for the service and the command line.
 *
 * Under systemd (JOURNAL_STREAM set) lines carry the "<N>" priority prefix; on a terminal they do
 * not. base, heat, core and topology log at debug only: their callers know the consequence and
 * say it once. Any thread; no allocation.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);                   /* default: warn */
int log_level_parse(const char *text, enum log_level *ret); /* "error" ... "debug"; -EINVAL */

/* topic: the room that speaks, "sampler". The sentence has no newline at its end. */
void log_at(enum log_level level, const char *topic, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(topic, ...) log_at(LOG_LEVEL_ERROR, topic, __VA_ARGS__)
#define log_warn(topic, ...) log_at(LOG_LEVEL_WARN, topic, __VA_ARGS__)
#define log_info(topic, ...) log_at(LOG_LEVEL_INFO, topic, __VA_ARGS__)
#define log_debug(topic, ...) log_at(LOG_LEVEL_DEBUG, topic, __VA_ARGS__)

#endif
