# Warnings and hardening, one place for all targets.
add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
                    -Wpointer-arith -Wwrite-strings -Wvla -Wimplicit-fallthrough
                    -fno-common -fstack-protector-strong -fvisibility=hidden)
add_compile_definitions(_GNU_SOURCE TRAWLWATCH_VERSION="${PROJECT_VERSION}")
add_link_options(-Wl,-z,relro,-z,now)

if(TRAWLWATCH_WERROR)
        add_compile_options(-Werror)
endif()
if(TRAWLWATCH_SANITIZE)
        add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
                            -fno-omit-frame-pointer -O1)
        add_link_options(-fsanitize=address,undefined)
else()
        add_compile_options($<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
endif()
if(TRAWLWATCH_FUZZ)
        add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(TRAWLWATCH_PORTABLE)
        add_compile_definitions(TRAWLWATCH_PORTABLE=1)
endif()
