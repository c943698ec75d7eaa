#pragma once

#include "core/members.hpp"
#include "core/usage_codec.hpp"

#include <regolo/error.hpp>
#include <regolo/options.hpp>
#include <regolo/transcript.hpp>

#include <string_view>

namespace regolo::core {

template <class Members>
void visit_members(const Members& members, like<transcript_word> auto& value)
{
    members("word", value.word);
    members("start", value.start);
    members("end", value.end);
}

template <class Members>
void visit_members(const Members& members, like<transcript_segment> auto& value)
{
    members("id", value.id);
    members("start", value.start);
    members("end", value.end);
    members("text", value.text);
    members("tokens", value.tokens);
    members("temperature", value.temperature);
    members("avg_logprob", value.avg_logprob);
    members("compression_ratio", value.compression_ratio);
    members("no_speech_prob", value.no_speech_prob);
}

template <class Members>
void visit_members(const Members& members, like<transcript> auto& value)
{
    members.needed("text", value.text);
    members("language", value.language);
    members("duration", value.duration);
    members("segments", value.segments);
    members("words", value.words);
    members("logprobs", value.logprobs);
    members("usage", value.usage);
}

/** Reads the answer to a transcription: JSON with the transcript in it, whatever format it has (gateways send SubRip and
    WebVTT so as well), or the transcript itself under a type that is not JSON.

    @param media_type  of the answer; empty: it told none
*/
result<transcript> decode_transcript(std::string_view body, std::string_view media_type,
                                     const limits& bounds);

}  // namespace regolo::core
