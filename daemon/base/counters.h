/* SPDX-License-Identifier: MIT */
/*
 * counters - what happened to the traffic, one row a counter.
 *
 * A row gives the field of struct counters, the metric's name (prefixed with
 * trawlwatch_ on output) and what it tells the operator. All only ever grow;
 * plain additions, one writer.
 */
#ifndef BASE_COUNTERS_H
#define BASE_COUNTERS_H

#include "base/buf.h"

/* clang-format off */
#define COUNTERS(row)                                                                     \
        /* capture and packet */                                                          \
        row(packets, "packets_total", "packets read")                                     \
        row(packet_bytes, "packet_bytes_total", "bytes of packets on the wire")           \
        row(kernel_drops, "kernel_drops_total", "packets the kernel dropped")             \
        row(interface_drops, "interface_drops_total", "packets the interface dropped")    \
        row(frames_not_ip, "frames_not_ip_total", "frames that carry no IP")              \
        row(frames_malformed, "frames_malformed_total", "headers that contradict themselves") \
        row(frames_truncated, "frames_truncated_total", "frames cut inside their headers") \
        row(datagrams, "datagrams_total", "UDP datagrams that are no tunnel")             \
        row(fragments, "fragments_total", "fragments of IP packets")                      \
        row(fragments_reassembled, "fragments_reassembled_total", "packets put together from fragments") \
        row(fragments_overlapping, "fragments_overlapping_total", "packets dropped because their fragments contradict") \
        row(fragments_dropped, "fragments_dropped_total", "fragments dropped by age or at the cap") \
        row(fragments_tiny, "fragments_tiny_total", "first fragments too small for a TCP header") \
        row(fragments_malformed, "fragments_malformed_total", "fragments that no packet can hold, or cut by the capture") \
        row(packets_duplicated, "packets_duplicated_total", "copies that a mirror made of a packet with data") \
        row(frames_not_tcp, "frames_not_tcp_total", "IP packets of other protocols")      \
        row(frames_too_deep, "frames_too_deep_total", "more nested headers than the cap") \
        row(frames_tunnel_refused, "frames_tunnel_refused_total", "tunnels from sources that capture.tunnel_sources does not name") \
        row(time_outliers, "time_outliers_total", "packets whose time no other packet shares") \
        row(time_steps_back, "time_steps_back_total", "times the packets' clock went back for good") \
        row(checksum_errors, "checksum_errors_total", "segments refused by their checksum") \
        /* stream */                                                                      \
        row(segments, "segments_total", "TCP segments")                                   \
        row(segments_out_of_order, "segments_out_of_order_total", "held for a hole before them") \
        row(segments_retransmitted, "segments_retransmitted_total", "brought nothing new") \
        row(segments_overlapping, "segments_overlapping_total", "overlap bytes held already") \
        row(segments_conflicting, "segments_conflicting_total", "overlap with other bytes than the first copy") \
        row(segments_out_of_window, "segments_out_of_window_total", "sequence number too far off") \
        row(segments_truncated, "segments_truncated_total", "payload cut by the snapshot length") \
        row(reassembly_full, "reassembly_full_total", "segments dropped at the reassembly cap") \
        row(gaps, "gaps_total", "holes given up")                                         \
        row(gap_bytes, "gap_bytes_total", "bytes missed in holes given up")               \
        row(flows, "flows_total", "flows begun")                                          \
        row(flows_midstream, "flows_midstream_total", "flows joined in the middle")       \
        row(flows_evicted, "flows_evicted_total", "flows dropped because the table was full") \
        row(flows_timed_out, "flows_timed_out_total", "flows dropped after silence")      \
        row(flows_reused, "flows_reused_total", "flows begun on the ports of an old one") \
        row(flows_ignored, "flows_ignored_total", "flows that turned out not to be HTTP") \
        row(resets_ignored, "resets_ignored_total", "RST outside the window")             \
        row(flows_sampled_out, "flows_sampled_out_total", "connections not followed because their visitors are not in the sample") \
        /* http */                                                                        \
        row(proxy_headers, "proxy_headers_total", "PROXY protocol headers")               \
        row(proxy_headers_untrusted, "proxy_headers_untrusted_total", "PROXY headers of peers that are no trusted proxies") \
        row(proxy_headers_malformed, "proxy_headers_malformed_total", "PROXY headers that break the grammar") \
        row(requests, "requests_total", "requests")                                       \
        row(requests_http10, "requests_http10_total", "requests of HTTP/1.0")             \
        row(requests_http11, "requests_http11_total", "requests of HTTP/1.1")             \
        row(requests_http2, "requests_http2_total", "requests of HTTP/2")                 \
        row(responses, "responses_total", "responses paired with a request")              \
        row(responses_interim, "responses_interim_total", "1xx responses")                \
        row(requests_unanswered, "requests_unanswered_total", "requests whose response was not seen") \
        row(responses_unpaired, "responses_unpaired_total", "responses whose request was not seen") \
        row(http_upgrades, "http_upgrades_total", "connections turned opaque by Upgrade or CONNECT") \
        row(http_malformed_requests, "http_malformed_requests_total", "request heads that break the grammar") \
        row(http_malformed_responses, "http_malformed_responses_total", "response heads that break the grammar") \
        row(http_malformed_chunks, "http_malformed_chunks_total", "chunked bodies that break the grammar") \
        row(http_conflicting_lengths, "http_conflicting_lengths_total", "messages whose lengths contradict (smuggling)") \
        row(http_obsolete_folds, "http_obsolete_folds_total", "header lines folded (obs-fold)") \
        row(http_bare_lf, "http_bare_lf_total", "heads with lines that end in LF alone")  \
        row(http_heads_too_long, "http_heads_too_long_total", "heads longer than limits.head") \
        row(http_too_many_headers, "http_too_many_headers_total", "header lines past the cap, not looked at") \
        row(http_pipeline_full, "http_pipeline_full_total", "connections with more outstanding requests than the cap") \
        row(http_desyncs, "http_desyncs_total", "times a direction of HTTP lost its message boundary") \
        row(http_resyncs, "http_resyncs_total", "times it was found again")               \
        row(http_memory_full, "http_memory_full_total", "heads or requests dropped at the memory budget") \
        /* tls */                                                                         \
        row(hellos, "hellos_total", "ClientHellos read, of TCP and QUIC")                 \
        row(hellos_quic, "hellos_quic_total", "ClientHellos read of QUIC")                \
        row(hellos_lost, "hellos_lost_total", "TLS connections of which the ClientHello, or the PROXY header before it, was not seen whole") \
        row(hellos_malformed, "hellos_malformed_total", "ClientHellos that break the grammar") \
        row(hellos_too_long, "hellos_too_long_total", "ClientHellos longer than we keep, or with longer lists") \
        row(hellos_memory_full, "hellos_memory_full_total", "ClientHellos of TCP dropped at the memory budget") \
        row(quic_undecryptable, "quic_undecryptable_total", "Initial packets that no key opened") \
        row(quic_other_versions, "quic_other_versions_total", "QUIC packets of versions that are not read") \
        row(quic_full, "quic_full_total", "QUIC connections forgotten because there was no room") \
        row(quic_incomplete, "quic_incomplete_total", "QUIC connections forgotten before their ClientHello was whole") \
        row(http2_connections, "http2_connections_total", "connections of HTTP/2")        \
        row(http2_blind, "http2_blind_total", "directions of HTTP/2 connections that could not be followed any more") \
        row(http2_malformed_frames, "http2_malformed_frames_total", "frames that break the rules of HTTP/2") \
        row(http2_malformed_blocks, "http2_malformed_blocks_total", "header blocks that HPACK does not allow") \
        row(http2_floods, "http2_floods_total", "header blocks longer than limits.head or in too many pieces, not looked at") \
        row(http2_streams_full, "http2_streams_full_total", "requests past limits.h2_streams, handed on without their response") \
        row(http2_resets, "http2_resets_total", "streams reset")                          \
        /* observe */                                                                     \
        row(agents_classified, "agents_classified_total", "user agents worked out") \
        row(agents_cached, "agents_cached_total", "user agents that were remembered") \
        row(agents_evicted, "agents_evicted_total", "user agents forgotten because limits.agents was reached") \
        row(agents_cut, "agents_cut_total", "user agents of which only the beginning was looked at") \
        row(visitors_uncertain, "visitors_uncertain_total", "requests whose visitor header was missing or bad") \
        row(requests_sampled_out, "requests_sampled_out_total", "requests left out because their visitors are not in the sample") \
        row(bodies_skipped, "bodies_skipped_total", "bodies of sign-ups not looked at for want of time") \
        row(body_bytes_skipped, "body_bytes_skipped_total", "bytes of those requests") \
        row(shapes_skipped, "shapes_skipped_total", "requests whose http.shape was not worked out for want of time") \
        row(form_bodies, "form_bodies_total", "bodies of sign-ups looked at")             \
        row(form_bodies_cut, "form_bodies_cut_total", "of those, longer than limits.form_body or not seen whole") \
        row(form_unknown_type, "form_unknown_type_total", "of those, of a media type that is not read") \
        row(form_malformed, "form_malformed_total", "of those, breaking their grammar")   \
        row(form_too_deep, "form_too_deep_total", "of those, JSON nested deeper than the cap") \
        row(content_bombs, "content_bombs_total", "bodies that unfold past the cap")      \
        row(content_malformed, "content_malformed_total", "bodies that break the format of their content coding") \
        row(content_unknown, "content_unknown_total", "bodies with a content coding that is not read") \
        row(records_truncated, "records_truncated_total", "records with a text cut at its cap") \
        /* detect */                                                                      \
        row(hellos_joined, "hellos_joined_total", "requests whose ClientHello is known")  \
        row(hellos_uncertain, "hellos_uncertain_total", "of them, by an address that showed several") \
        row(transactions, "transactions_total", "transactions the rules looked at")       \
        row(entries_evicted, "entries_evicted_total", "keys forgotten because the table was full") \
        row(sketches_refused, "sketches_refused_total", "distinct counts held at 128 because the budget was full") \
        row(windows_refused, "windows_refused_total", "counts, bytes and values of a key held low because the budget was full") \
        row(views_saturated, "views_saturated_total", "views past what the counts of views are made for, which then come out too high") \
        row(cold_saturated, "cold_saturated_total", "targets of a day past what the memory of cold ones is made for") \
        row(views_over_quota, "views_over_quota_total", "views of those who had sixteen in three hours already, which cold_surge of groups leaves out") \
        row(collisions_refused, "collisions_refused_total", "times a group was compared anew because the budget was full") \
        row(fit_evicted, "fit_evicted_total", "rare shapes forgotten because the table was full") \
        row(known_saturated, "known_saturated_total", "sessions of a day past what the memory of session.known is made for") \
        row(fit_saturated, "fit_saturated_total", "visitors of a day past what the memory of ua.fit is made for") \
        row(regex_limits, "regex_limits_total", "regular expressions stopped at their match limit") \
        row(incidents_raised, "incidents_raised_total", "incidents raised")               \
        row(incidents_adopted, "incidents_adopted_total", "incidents of before a crash that went on under their id") \
        row(incidents_dropped, "incidents_dropped_total", "incidents not opened because too many were open") \
        row(tags, "tags_total", "times a participant of an incident was tagged")          \
        row(tags_evicted, "tags_evicted_total", "tags forgotten before their end because there was no room") \
        row(groups_evicted, "groups_evicted_total", "participants whose group was forgotten because there was no room") \
        row(births_evicted, "births_evicted_total", "sign-ups forgotten before their time because there was no room") \
        row(signals_dropped, "signals_dropped_total", "times a signal held and there was no room to say so") \
        row(snapshots, "snapshots_total", "snapshots of what the rules know that were written") \
        row(snapshots_failed, "snapshots_failed_total", "snapshots that could not be written") \
        row(exempted, "exempted_total", "transactions that an exemption let pass")        \
        row(dns_lookups, "dns_lookups_total", "addresses whose names were asked for")     \
        row(dns_failed, "dns_failed_total", "of them, without an answer that can be used") \
        row(dns_unconfirmed, "dns_unconfirmed_total", "names of crawlers that do not lead back to the address") \
        row(dns_refused, "dns_refused_total", "addresses not asked about, as too many were") \
        row(dns_evicted, "dns_evicted_total", "addresses forgotten because limits.dns_cache was reached") \
        /* alert */                                                                       \
        row(alerts_journalled, "alerts_journalled_total", "alerts written to the journal") \
        row(alerts_published, "alerts_published_total", "alerts Redis has")               \
        row(alerts_lost, "alerts_lost_total", "alerts neither journalled nor published")  \
        row(alerts_dropped, "alerts_dropped_total", "alerts removed from the journal before Redis had them") \
        row(journal_errors, "journal_errors_total", "writes to the journal that failed")  \
        row(journal_damaged, "journal_damaged_total", "damaged places that publishing passed over") \
        row(redis_reconnects, "redis_reconnects_total", "connections to Redis made")      \
        row(redis_errors, "redis_errors_total", "errors Redis answered")                  \
        row(blocks, "blocks_total", "blocks put")                                         \
        row(blocks_held, "blocks_held_total", "blocks not put, or not gone on with: a person let the subject in again") \
        row(blocks_refused, "blocks_refused_total", "times that a block was not put: blocks.per_minute or blocks.share was reached") \
        row(blocks_withheld, "blocks_withheld_total", "blocks not put: trusted, private, loopback or exempt") \
        row(blocks_watched, "blocks_watched_total", "blocks whose subject is watched from then on") \
        row(blocks_unwatched, "blocks_unwatched_total", "blocks not watched to their end because there was no room") \
        row(blocks_ignored, "blocks_ignored_total", "of them, whose subject was still served later than blocks.verify_after") \
        row(block_requests, "block_requests_total", "requests and attempts to connect of those who are blocked") \
        row(block_refused, "block_refused_total", "of them, refused or left unanswered")   \
        /* app */                                                                         \
        row(ring_full, "ring_full_total", "requests and hellos of captures for which the engine had no room in time") \
        row(overloads, "overloads_total", "times that captures began to leave out traffic that they had no time for") \
        row(rings_refused, "rings_refused_total", "captures that were not believed any more, and replaced") \
        row(clock_resets, "clock_resets_total", "times that windows and incidents began anew, because the packets' clock went back") \
        row(clock_jumps, "clock_jumps_total", "times that the machine's clock was set, which packets carry") \
        row(reloads, "reloads_total", "times that other files were taken up") \
        row(reloads_failed, "reloads_failed_total", "times that they were not, and all stayed as it was") \
        row(reload_lost, "reload_lost_total", "requests and hellos that captures had read by a site map that was taken back") \
        row(worker_restarts, "worker_restarts_total", "captures that ended by themselves and were replaced") \
        row(engine_restarts, "engine_restarts_total", "times that the engine ended by itself and was replaced") \
        row(children_hung, "children_hung_total", "of both, those that gave no sign of life and were killed") \
        row(lines_dropped, "lines_dropped_total", "lines that standard output did not take in time") \
        row(admin_requests, "admin_requests_total", "requests to the status page")        \
        row(admin_refused, "admin_refused_total", "of them, refused: another host name, method or path") \
        row(admin_cut, "admin_cut_total", "connections to it or to the control socket that were too slow or too many")
/* clang-format on */

struct counters {
#define COUNTER_FIELD(field, metric, help) uint64_t field;
        COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
};

/* Adds each of the second to that of the first. */
void counters_add(struct counters *, const struct counters *);

/* One JSON object, one key a counter (its metric name), on one line. */
void counters_print(const struct counters *, struct buf *out);

#endif
