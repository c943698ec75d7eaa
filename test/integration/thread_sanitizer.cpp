// Reference counts that the thread sanitizer does not see, because the code that counts was built without it: each makes
// the last owner's release look like a race with the reads of the owners before.

#ifdef __SANITIZE_THREAD__
extern "C" const char* __tsan_default_suppressions()
{
    return
        // Sessions.
        "called_from_lib:libssl.so\n"
        "called_from_lib:libcrypto.so\n"
        // An exception that a future hands to another thread; libstdc++ counts inside its shared library.
        "race:std::__exception_ptr::exception_ptr::_M_release\n"
        // An executor of Asio, whose last release is ordered by a fence, which the sanitizer does not model.
        "race:shared_target_executor::~shared_target_executor\n";
}
#endif
