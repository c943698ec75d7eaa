#pragma once

#include "core/json_reader.hpp"
#include "core/json_writer.hpp"
#include "core/usage_codec.hpp"

namespace regolo::core {

/// The members that whole answers and chunks of all kinds have in common.
template <class Answer>
void read_answer(object_reader& in, Answer& out)
{
    in.read_lenient("id", out.id);
    in.read_lenient("object", out.object);
    read_seconds(in, "created", out.created);
    in.read_lenient("model", out.model);
    in.read("choices", out.choices);
    in.read_lenient("usage", out.usage);
    in.read_lenient("system_fingerprint", out.system_fingerprint);
}

template <class Answer>
void write_answer(object_writer& out, const Answer& value)
{
    out.put("id", value.id);
    out.put("object", value.object);
    if (value.created != 0)
        out.put("created", value.created);
    out.put("model", value.model);
    out.always("choices", value.choices);
    out.put("usage", value.usage);
    out.put("system_fingerprint", value.system_fingerprint);
}

}  // namespace regolo::core
