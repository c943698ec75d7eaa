// A stream has one owner: it can be moved and not copied.

#include <regolo/stream.hpp>

#include <utility>

regolo::chat_stream move(regolo::chat_stream stream)
{
#ifdef REGOLO_MISUSE
    regolo::chat_stream copy = stream;
#endif
    return stream;
}
