# Boost's own package files, so that a found version says what it really is.
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS json url)
find_package(OpenSSL 3.0 REQUIRED)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

if(REGOLO_BUILD_TESTS)
    find_package(GTest REQUIRED)
endif()
