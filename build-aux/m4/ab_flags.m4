# SPDX-License-Identifier: MIT

# AB_FLAG_WORKS(FLAG, COMPILE-FLAGS, LINK-FLAGS, IF-WORKS, [IF-NOT])
# Warnings count as failure, because clang only warns of a flag it lacks.
AC_DEFUN([AB_FLAG_WORKS], [
    ab_save_CFLAGS=$CFLAGS ab_save_LDFLAGS=$LDFLAGS
    CFLAGS="$CFLAGS -Werror $2" LDFLAGS="$LDFLAGS $3"
    AC_MSG_CHECKING([whether $1 works])
    AC_LINK_IFELSE([AC_LANG_PROGRAM()], [ab_works=yes], [ab_works=no])
    CFLAGS=$ab_save_CFLAGS LDFLAGS=$ab_save_LDFLAGS
    AC_MSG_RESULT([$ab_works])
    AS_IF([test $ab_works = yes], [$4], [$5])
])

# AB_TRY_CFLAGS(VARIABLE, FLAGS): appends each flag that works alone.
AC_DEFUN([AB_TRY_CFLAGS], [
    for ab_flag in m4_normalize([$2]); do
        AB_FLAG_WORKS([$ab_flag], [$ab_flag], [], [$1="$$1 $ab_flag"])
    done
])

# AB_TRY_LDFLAGS(VARIABLE, FLAGS): the same for the linker.
AC_DEFUN([AB_TRY_LDFLAGS], [
    for ab_flag in m4_normalize([$2]); do
        AB_FLAG_WORKS([$ab_flag], [-fPIE], [$ab_flag], [$1="$$1 $ab_flag"])
    done
])

# AB_NEED_FLAGS(VARIABLE, FLAG, MESSAGE): appends it or stops.
AC_DEFUN([AB_NEED_FLAGS], [
    AB_FLAG_WORKS([$2], [$2], [$2], [$1="$$1 $2"], [AC_MSG_ERROR([$3])])
])
