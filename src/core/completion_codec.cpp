#include "core/completion_codec.hpp"

namespace regolo {

namespace core {

result<std::string> encode(const completion_request& request, bool stream,
                           std::string_view default_model)
{
    return encode_generation(request, stream, default_model);
}

}  // namespace core

inline namespace v0 {

REGOLO_DEFINE_JSON(completion_request)
REGOLO_DEFINE_JSON(completion_response)
REGOLO_DEFINE_JSON(completion_chunk)

}  // namespace v0
}  // namespace regolo
